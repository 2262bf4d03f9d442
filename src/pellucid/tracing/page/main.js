// What a page does beyond what it says: choose a token, a sequence, a layer and a head.

import { usualColouring } from "./colours.js";
import { showDetails } from "./details.js";
import { showLengths, showMatrix } from "./maps.js";
import { attentions, sequence, state, watch } from "./state.js";
import { showStrip } from "./strip.js";

function onlyTheChosen() {
  for (const part of document.querySelectorAll("[data-sequence]")) {
    part.hidden = Number(part.dataset.sequence) !== state.sequence;
  }
}

// The first token of the text itself tells more than the one that begins the sequence.
const first = sequence().spans.findIndex((span) => span !== null);
state.chosen = state.token = Math.max(first, 0);
const found = attentions();
state.layer = Math.max(0, (found ? found.layers : sequence().norms ? sequence().norms.length - 1 : 1) - 1);
state.head = found && !found.hasMeans ? 0 : null;
state.colour = usualColouring();

document.documentElement.classList.add("scripted");
for (const details of document.querySelectorAll("details.table")) details.open = false;
showStrip(document.getElementById("strip-place"));
showDetails(document.getElementById("details-place"));
showMatrix(document.getElementById("attention"), document.getElementById("attention-place"));
showLengths(document.getElementById("layers-place"));
watch((names) => names.has("sequence") && onlyTheChosen());
onlyTheChosen();
