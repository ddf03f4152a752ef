// Tests a connection and shows the result in place. Without it the button opens a page with the same result.
(() => {
  "use strict";

  async function test(button, place) {
    const words = button.textContent;
    const form = button.form;
    button.disabled = true;
    place.setAttribute("aria-busy", "true");
    const started = performance.now();
    const clock = setInterval(() => {
      button.textContent = `${button.dataset.busy} ${((performance.now() - started) / 1000).toFixed(1)} s`;
    }, 100);
    try {
      const answer = await fetch(button.formAction, {
        method: "POST",
        body: new FormData(form),
        headers: { "X-Paiban-Part": "1" },
        redirect: "error",
      });
      if (!answer.ok) throw new Error(String(answer.status));
      place.innerHTML = await answer.text();
    } catch {
      place.textContent = button.dataset.failed;
    } finally {
      clearInterval(clock);
      button.textContent = words;
      button.disabled = false;
      place.removeAttribute("aria-busy");
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("[data-test-connection]");
    const place = document.querySelector("[data-test-result]");
    button?.addEventListener("click", (event) => {
      event.preventDefault();
      test(button, place);
    });
  });
})();
