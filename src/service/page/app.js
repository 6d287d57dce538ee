/** Starts the page: its language, and a view for each address after the `#`. */

import { openAsk } from "./ask.js";
import { openDocuments } from "./documents.js";
import { byId } from "./element.js";
import { forgetKey, hasKey } from "./key.js";
import { switchLanguage } from "./language.js";
import { openLearning } from "./learning.js";
import { openTask } from "./task.js";
import { openTasks } from "./tasks.js";
import { showView } from "./views.js";

const OPEN = {
  ask: openAsk,
  task: openTask,
  tasks: openTasks,
  documents: openDocuments,
  learning: openLearning,
};

let leave;

/** Show the view that the address names; `focus` moves the reader to its heading. */
function show(focus) {
  leave?.abort();
  leave = new AbortController();
  const { name, id } = showView();
  document.title = "Concertino";
  scrollTo(0, 0);
  if (focus) byId(name).querySelector("h1").focus({ preventScroll: true });
  OPEN[name]({ signal: leave.signal, id });
  byId("forget-key").hidden = !hasKey();
}

byId("other-language").addEventListener("click", switchLanguage);
byId("forget-key").addEventListener("click", forgetKey);
byId("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address after the # is the view's
  byId("main").focus();
});
addEventListener("hashchange", () => show(true));
show(false);
