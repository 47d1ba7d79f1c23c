// The address of a new space, checked while it is typed; without this script it is checked when the form is sent.
"use strict";
{
  const slug = document.getElementById("slug");
  const name = document.getElementById("name");
  const state = document.getElementById("slug-state");
  let timer, latest = 0;

  const check = async () => {
    const mine = ++latest;
    const asked = new URLSearchParams({ name: name.value, slug: slug.value });
    try {
      const answer = await fetch(`${slug.dataset.check}?${asked}`, { headers: { "HX-Request": "true" } });
      if (!answer.ok || mine !== latest) return;
      state.innerHTML = await answer.text();
      slug.removeAttribute("aria-invalid");
      if (state.querySelector(".wrong")) slug.setAttribute("aria-invalid", "true");
    } catch {
      state.textContent = "";
    }
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(check, 300);
  };
  slug.addEventListener("input", soon);
  name.addEventListener("input", () => slug.value || soon());
}
