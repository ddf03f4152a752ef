/** The form's own field for the graph: what it holds is what the form saves. */
export class FormField {
  private readonly area: HTMLTextAreaElement | HTMLInputElement | null;
  readonly form: HTMLFormElement | null;
  private written = "";

  constructor(id: string) {
    const found = document.getElementById(id);
    this.area = found instanceof HTMLTextAreaElement || found instanceof HTMLInputElement ? found : null;
    this.form = this.area?.form ?? null;
    this.written = this.area?.value ?? "";
  }

  /** The graph as it stands there: undefined without a field, null where it is no JSON. */
  read(): unknown {
    if (!this.area) return undefined;
    try {
      return JSON.parse(this.area.value || "{}") as unknown;
    } catch {
      return null;
    }
  }

  write(graph: unknown): void {
    if (!this.area || this.area.readOnly || this.area.disabled) return;
    const text = JSON.stringify(graph, null, 2);
    if (text === this.written) return;
    this.written = text;
    this.area.value = text;
    this.area.dispatchEvent(new Event("input", { bubbles: true }));
  }

  /** What the form remembers having seen, after a write past it: it would refuse to save otherwise. */
  seen(revision: number): void {
    for (const name of ["seen_revision", "revision"]) {
      const input = this.form?.querySelector<HTMLInputElement>(`input[type=hidden][name="${name}"]`);
      if (input) input.value = String(revision);
    }
  }

  /** Takes the field out of sight, with the heading that stands for nothing else; the editor takes its place. */
  hide(): void {
    const section = this.area?.closest<HTMLElement>("fieldset, .module, .form-row");
    const whole = section?.parentElement;
    const alone = whole && whole !== this.form && whole.querySelectorAll("fieldset").length === 1;
    // Whoever may only look has no field, only its text, in a section that the page marks.
    for (const part of [section, alone ? whole : null, ...document.querySelectorAll<HTMLElement>("fieldset.pf-plain")]) if (part) part.hidden = true;
  }
}
