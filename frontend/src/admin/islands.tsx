import { lazy, Suspense, type ReactNode } from "react";
import { createRoot } from "react-dom/client";
import { isolate } from "./isolate";
import { readSource } from "./source";

const FormPreview = lazy(() => import("./FormPreview").then((module) => ({ default: module.FormPreview })));
const PipelineView = lazy(() => import("./pipeline/PipelineView").then((module) => ({ default: module.PipelineView })));

const ToolTester = lazy(() => import("./ToolTester").then((module) => ({ default: module.ToolTester })));

const StaffQuestions = lazy(() => import("./StaffQuestions").then((module) => ({ default: module.StaffQuestions })));

const ISLANDS: Record<string, (source: unknown, host: HTMLElement) => ReactNode> = {
  "form-preview": (source) => <FormPreview source={source} />,
  "tool-tester": (source) => <ToolTester source={source} />,
  "staff-questions": (source) => <StaffQuestions source={source} />,
  pipeline: (source, host) => <PipelineView source={source} live={host.dataset.live ?? "id_graph"} />,
};

/** Draws every `<div data-paiban="…" data-source="<id of a JSON script>">` of the page. */
export function mountIslands(): void {
  for (const host of document.querySelectorAll<HTMLElement>("[data-paiban]")) {
    const draw = ISLANDS[host.dataset.paiban ?? ""];
    if (draw) createRoot(isolate(host)).render(<Suspense>{draw(readSource(host.dataset.source), host)}</Suspense>);
  }
}
