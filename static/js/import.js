// An import: how far it is comes by socket.
import * as live from "./live.js";

live.start(document.querySelector("[id^='import-']").id);
