// The agent desk: a live screen with keys.
import * as keys from "./keys.js";
import * as live from "./live.js";

live.start("desk");
keys.start();
