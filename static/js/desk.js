// The agent desk: a live screen with keys.
import * as command from "./command.js";
import * as keys from "./keys.js";
import * as live from "./live.js";

live.start("desk");
keys.start();
command.start();
