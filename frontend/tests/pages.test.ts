import { beforeEach, expect, it, vi } from "vitest";
import { mountFlow } from "../src/admin/flowPage";
import { mountWizard } from "../src/admin/wizardPage";

beforeEach(() => {
  document.body.innerHTML = "";
});

it("does nothing on a page without a flow or a wizard", () => {
  document.body.innerHTML = "<form><textarea id='id_graph'>{}</textarea></form>";
  const before = document.body.innerHTML;

  mountFlow();
  mountWizard();

  expect(document.body.innerHTML).toBe(before);
});

it.each([
  ["flow", mountFlow],
  ["wizard", mountWizard],
])("says on the page that the %s did not come", async (name, mount) => {
  document.body.innerHTML = `<div data-paiban="${name}" data-source="gone"><p data-failed hidden>Sorry</p></div>`;

  mount();

  await vi.waitFor(() => expect(document.querySelector<HTMLElement>("[data-failed]")?.hidden).toBe(false));
});
