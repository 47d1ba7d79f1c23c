// A button that copies a link; without this script it stays hidden, and the link is selected by hand.
"use strict";
for (const button of document.querySelectorAll("[data-copy]")) {
  const field = document.getElementById(button.dataset.copy);
  button.hidden = false;
  button.addEventListener("click", async () => {
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      document.getElementById("status").textContent = button.dataset.done;
      button.querySelector("span").textContent = button.dataset.done;
    } catch {
      field.focus();
    }
  });
}
