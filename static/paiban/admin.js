// Times in the reader's own zone, and small helpers of the admin's own pages. Everything works without it, in UTC.
(() => {
  "use strict";
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

  /** The page's language, in the country of the reader: a British reader of English gets British dates. */
  function language() {
    const page = (document.documentElement.lang || "en").toLowerCase();
    return navigator.languages.find((own) => own.toLowerCase().startsWith(page.slice(0, 2))) || page;
  }

  // What `data-local` asks for; nothing: the date and the minute.
  const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  const SHAPES = {
    seconds: { dateStyle: "medium", timeStyle: "medium" },
    clock: CLOCK,
    exact: { ...CLOCK, fractionalSecondDigits: 3 },
  };

  function showLocal(root) {
    for (const time of root.querySelectorAll("time[data-local]")) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      time.textContent = at.toLocaleString(language(), SHAPES[time.dataset.local] ?? { dateStyle: "medium", timeStyle: "short" });
      time.title = `${at.toLocaleString(language(), { dateStyle: "full", timeStyle: "long" })} (${zone})`;
    }
  }

  function localInput(at) {
    const shifted = new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
    return shifted.toISOString().slice(0, 16);
  }

  function followMoment(box) {
    const local = box.querySelector("input[type=datetime-local]");
    const exact = box.querySelector("input[name=due_at]");
    box.querySelector("[data-zone]").textContent = zone;
    local.min = localInput(new Date());
    const copy = () => {
      const at = new Date(local.value);
      exact.value = local.value && !Number.isNaN(at.getTime()) ? at.toISOString() : "";
    };
    local.addEventListener("input", copy);
    local.form?.addEventListener("submit", copy);
  }

  function followRange(range) {
    const output = range.parentElement.querySelector("output");
    const show = () => (output.textContent = `${range.value} %`);
    range.addEventListener("input", show);
    show();
  }

  /** The theme's tabs are links without an address: give them a place in the order of the Tab key. */
  function reachable(tab) {
    tab.tabIndex = 0;
    tab.setAttribute("role", "button");
    tab.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      tab.click();
    });
  }

  /** Without a clipboard (plain HTTP on another machine) the text is selected, to be copied by hand. */
  function copies(button) {
    const text = document.querySelector(button.dataset.copy);
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(text.textContent);
        button.textContent = button.dataset.copied;
      } catch {
        window.getSelection().selectAllChildren(text);
      }
    });
  }

  /** The theme's boxes to choose from say their choice, and not what it is for. */
  function named(select) {
    const label = select.labels?.[0]?.textContent.replace("*", "").trim();
    const box = select.nextElementSibling;
    if (!label || !box?.classList.contains("select2")) return;
    for (const part of box.querySelectorAll("[role=combobox], [role=textbox], [role=searchbox]")) {
      part.removeAttribute("aria-labelledby");
      part.setAttribute("aria-label", label);
    }
  }

  /** A row of an inline that opens on a click opens on a key, too, and its bin is a button. */
  function opens(title) {
    const head = title.closest("h3");
    reachable(title);
    const show = () => title.setAttribute("aria-expanded", head.classList.contains("border-b"));
    new MutationObserver(show).observe(head, { attributeFilter: ["class"] });
    show();
  }

  function removes(bin) {
    const box = bin.querySelector("input.delete");
    const title = bin.closest("h3, tr")?.querySelector("strong")?.textContent.trim() ?? "";
    reachable(bin);
    bin.setAttribute("role", "checkbox");
    bin.setAttribute("aria-label", `${window.gettext?.("Remove") ?? "Remove"} ${title}`.trim());
    const show = () => bin.setAttribute("aria-checked", box.checked);
    box.addEventListener("change", show);
    show();
  }

  /** What the theme adds to the page later: boxes to choose from, and new rows. */
  function watch() {
    const mend = () => {
      document.querySelectorAll("select.select2-hidden-accessible:not([data-named])").forEach((select) => {
        if (!select.nextElementSibling?.classList.contains("select2")) return;
        select.dataset.named = "";
        named(select);
      });
      document.querySelectorAll("h3.cursor-pointer strong:not([tabindex])").forEach(opens);
      document.querySelectorAll("label:has(input.delete):not([tabindex])").forEach(removes);
    };
    new MutationObserver(mend).observe(document.body, { childList: true, subtree: true });
    mend();
  }

  /** Names to choose from, beneath the lines that they stand in. Without it they are typed. */
  function offered(area) {
    const lines = () => area.value.split("\n").map((line) => line.trim()).filter(Boolean);
    const box = document.createElement("div");
    box.className = "pb pb-known";
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", area.labels?.[0]?.textContent.trim() ?? "");
    const chips = JSON.parse(area.dataset.known).map((name) => {
      const chip = Object.assign(document.createElement("button"), { type: "button", textContent: name });
      chip.addEventListener("click", () => {
        const now = lines();
        area.value = (now.includes(name) ? now.filter((line) => line !== name) : [...now, name]).join("\n");
        show();
      });
      return chip;
    });
    const show = () => chips.forEach((chip) => chip.setAttribute("aria-pressed", lines().includes(chip.textContent)));
    area.addEventListener("input", show);
    show();
    box.append(...chips);
    area.after(box);
  }

  document.addEventListener("DOMContentLoaded", () => {
    document.getElementById("content")?.setAttribute("role", "main");
    document.querySelectorAll("textarea[data-known]").forEach(offered);
    watch();
    showLocal(document);
    document.querySelectorAll("[data-moment]").forEach(followMoment);
    document.querySelectorAll("input[type=range][data-output]").forEach(followRange);
    document.querySelectorAll("button[data-copy]").forEach(copies);
    document.querySelectorAll("nav a:not([href])").forEach(reachable);
  });
  window.paibanShowLocal = showLocal;
})();
