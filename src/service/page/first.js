/** What is seen first: the page in its language. It waits for none of the libraries. */

import { translate } from "./language.js";
import { showView } from "./views.js";

translate(document);
showView();
document.documentElement.classList.remove("unsaid");
