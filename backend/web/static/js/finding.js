// Whoever has no date in a week has no row on its board: looked for by name, they are dragged onto a place from here.
(() => {
  "use strict";
  let sought = "";
  async function look() {
    const form = document.getElementById("find-person"), place = document.getElementById("found-people");
    if (!form || !sought) return;
    form.elements.q.value = sought;
    try {
      const headers = { "HX-Request": "true", Accept: "text/html" };
      const answer = await fetch(`${form.action}?q=${encodeURIComponent(sought)}`, { headers });
      const elsewhere = answer.headers.get("HX-Redirect");
      if (elsewhere) { location.assign(elsewhere); return; }
      const found = new DOMParser().parseFromString(await answer.text(), "text/html");
      place.replaceChildren(...found.body.children);
    } catch {
      place.replaceChildren(Object.assign(document.createElement("li"), { textContent: document.getElementById("grab-words").dataset.lost }));
    }
  }
  document.addEventListener("submit", (event) => {
    if (event.target.id !== "find-person") return;
    event.preventDefault();
    sought = event.target.elements.q.value.trim();
    look();
  });
  document.addEventListener("board", () => { if (!document.getElementById("found-people")?.children.length) look(); });
})();
