// What the board's keys do: "?" or the button opens the list, and the focus goes back to where it was. Whoever dictates
// to the machine can tell it not to answer that key (WCAG 2.1.4).
(() => {
  "use strict";
  const keys = document.getElementById("keys"), listen = document.getElementById("keys-listen");
  const STORED = "filage-keys";
  listen.checked = localStorage.getItem(STORED) !== "off";
  listen.addEventListener("change", () => {
    if (listen.checked) localStorage.removeItem(STORED); else localStorage.setItem(STORED, "off");
  });
  document.getElementById("keys-open").addEventListener("click", () => keys.showModal());
  document.addEventListener("keydown", (event) => {
    if (event.key !== "?" || event.ctrlKey || event.metaKey || event.altKey || !listen.checked) return;
    if (event.target.closest?.("input, select, textarea") || document.querySelector("dialog[open], .chip.held")) return;
    event.preventDefault();
    keys.showModal();
  });
})();
