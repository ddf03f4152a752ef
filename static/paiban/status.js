// Draws the page of the processes again every two seconds. What changed in one sentence is read out; the table is not.
(() => {
  "use strict";
  const box = document.getElementById("fleet");
  const news = document.getElementById("fleet-news");
  const at = document.getElementById("fleet-at");
  const summary = () => box.firstElementChild?.dataset.summary ?? "";

  function say(words) {
    if (news.textContent !== words) news.textContent = words;
  }

  function drawn() {
    at.textContent = new Date().toLocaleTimeString();
    say(summary());
    window.paibanShowLocal?.(box);
  }

  async function look() {
    try {
      const options = { headers: { "X-Fragment": "1" }, cache: "no-store", signal: AbortSignal.timeout(5000) };
      const answer = await fetch(location.pathname, options);
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      box.innerHTML = await answer.text();
      drawn();
    } catch {
      say(box.dataset.lost);
    } finally {
      setTimeout(() => (document.hidden ? whenSeen() : look()), Number(box.dataset.every));
    }
  }

  /** A hidden tab asks nothing. */
  function whenSeen() {
    document.addEventListener("visibilitychange", look, { once: true });
  }

  drawn();
  setTimeout(look, Number(box.dataset.every));
})();
