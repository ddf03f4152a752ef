import { readSource } from "../source";

/** Reads what the page hands over; its forms work without this. Raises when there is nothing to read. */
export async function mountWizardPage(host: HTMLElement): Promise<unknown> {
  const source = readSource(host.dataset.source);
  if (!source) throw new Error("the page hands nothing over");
  return source;
}
