// What a person's own pages do beyond their forms: keep the last planning for a place without network, and let go of it.
"use strict";

if ("serviceWorker" in navigator) {
  navigator.serviceWorker.register("/me/worker.js", { scope: "/me" }).catch(() => undefined); // the page is whole without it
}

// Whoever signs out leaves nothing behind, even where the browser does not know Clear-Site-Data.
for (const form of document.querySelectorAll('form[action="/sign-out"]')) {
  form.addEventListener("submit", () => {
    if ("caches" in window) caches.keys().then((names) => names.forEach((name) => caches.delete(name)));
    sessionStorage.clear();
  });
}

// Without network nothing leaves the page: what was typed stays where it is.
const notSent = document.getElementById("not-sent");
document.addEventListener("submit", (event) => {
  if (event.target.method !== "post" || navigator.onLine) return;
  event.preventDefault();
  event.target.prepend(notSent);
  notSent.hidden = true; // shown again, it is read out again
  requestAnimationFrame(() => (notSent.hidden = false));
});
addEventListener("online", () => (notSent.hidden = true));

// Hours are those of each place: said where the clock of this device is another one.
const elsewhere = document.getElementById("elsewhere");
if (elsewhere) elsewhere.hidden = new Date().getTimezoneOffset() === -Number(elsewhere.dataset.minutes);

// Taking an answer back is offered for a few seconds; later the date can still be declined.
for (const form of document.querySelectorAll("form[data-seconds]")) {
  const leave = () => (form.contains(document.activeElement) ? setTimeout(leave, 1000) : form.remove());
  setTimeout(leave, Number(form.dataset.seconds) * 1000);
}

// Copying needs a script: without one the address can still be selected.
for (const button of document.querySelectorAll("button[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  button.hidden = false;
  button.addEventListener("click", async () => {
    source.select();
    try {
      await navigator.clipboard.writeText(source.value);
      document.getElementById("status").textContent = button.dataset.done;
      button.querySelector("span").textContent = button.dataset.done;
    } catch {
      source.focus(); // selected: one more key copies it
    }
  });
}
