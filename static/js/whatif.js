// What-if: the answer comes by socket.
import * as live from "./live.js";

live.start(document.querySelector("[id^='simulation-']").id);
