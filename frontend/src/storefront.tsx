import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "@fontsource-variable/bricolage-grotesque/wght.css";
import { App } from "./app/App";
import { takePreview } from "./app/preview";
import { listenForRevisions } from "./app/revision";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/controls.css";
import "./styles/forms.css";
import "./styles/home.css";
import "./styles/workbench.css";
import "./styles/tasks.css";
import "./styles/result.css";

const root = document.getElementById("root");
if (root) {
  takePreview();
  listenForRevisions();
  createRoot(root).render(<StrictMode><App /></StrictMode>);
}
