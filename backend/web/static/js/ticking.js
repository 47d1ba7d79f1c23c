// A list of people to tick: all, none, and how many there are; without this script the count is that of the page as sent.
"use strict";
for (const form of document.querySelectorAll("form:has([data-ticked])")) {
  const boxes = [...form.querySelectorAll("input[type=checkbox]")];
  const tell = () => {
    form.querySelector("[data-ticked]").textContent = `(${boxes.filter((box) => box.checked).length})`;
  };
  form.querySelector("[data-ticking]").hidden = false;
  form.addEventListener("change", tell);
  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-tick]");
    if (!button) return;
    for (const box of boxes) box.checked = button.dataset.tick === "all";
    tell();
  });
  tell();
}
