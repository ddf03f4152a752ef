// Moves the bars of the runs that go on. Quarters and ends are read out, not every case. When one has ended, the list of
// runs is drawn again; whoever was at the run's button is taken to its result.
(() => {
  "use strict";
  const EVERY = 1000; // ms
  const QUARTERS = 4;
  const news = document.getElementById("run-news");
  const list = document.getElementById("runs");
  const quarter = (told) => Math.floor((QUARTERS * told.done) / Math.max(1, told.total));

  function say(words) {
    if (news.textContent !== words) news.textContent = words;
  }

  function draw(box, told) {
    const bar = box.querySelector("[role=progressbar]");
    const before = { done: Number(bar.getAttribute("aria-valuenow")), total: told.total };
    bar.setAttribute("aria-valuenow", told.done);
    bar.setAttribute("aria-valuetext", told.words);
    bar.firstElementChild.style.width = `${(100 * told.done) / Math.max(1, told.total)}%`;
    box.querySelector("[data-words]").textContent = told.words;
    const status = box.querySelector("[data-status]");
    status.textContent = told.said;
    status.className = `pb-tag pb-tag--${told.status}`;
    if (quarter(told) > quarter(before)) say(told.words);
  }

  async function ended(box) {
    const place = [...list.children].indexOf(box);
    const was = box.contains(document.activeElement);
    const answer = await fetch(location.href, { headers: { "X-Fragment": "1" }, cache: "no-store" });
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
    list.innerHTML = await answer.text();
    window.paibanShowLocal?.(list);
    const summary = list.children[place]?.querySelector("summary");
    say(summary?.textContent ?? "");
    if (was) summary?.focus();
    watch();
  }

  async function look(box) {
    if (!box.isConnected) return;
    try {
      const options = { cache: "no-store", signal: AbortSignal.timeout(5000) };
      const answer = await fetch(box.dataset.run, options);
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      const told = await answer.json();
      draw(box, told);
      if (!told.open) return void (await ended(box));
    } catch {
      say(box.dataset.lost);
    }
    setTimeout(() => (document.hidden ? whenSeen(box) : look(box)), EVERY);
  }

  /** A hidden tab asks nothing. */
  function whenSeen(box) {
    document.addEventListener("visibilitychange", () => look(box), { once: true });
  }

  function watch() {
    for (const box of list.querySelectorAll("[data-run]")) look(box);
  }

  watch();
})();
