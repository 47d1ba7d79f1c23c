// Files dropped or chosen are judged at once; they stay in the form, which sends them again to store them.
// Without this script, the two buttons do the same, page by page.
"use strict";
{
  const form = document.getElementById("season");
  const status = document.getElementById("status");
  if (form) {
    const drop = document.getElementById("drop");
    const input = document.getElementById("files");

    const show = (page) => {
      const fresh = new DOMParser().parseFromString(page, "text/html");
      const report = fresh.getElementById("report");
      if (!report) return false;
      document.getElementById("report").replaceWith(document.adoptNode(report));
      document.getElementById("again")?.remove();
      const verdict = document.getElementById("verdict") ?? report.querySelector("[role=alert]");
      if (verdict) {
        verdict.setAttribute("tabindex", "-1");
        verdict.focus();
      }
      return true;
    };
    const say = (text, asAlert) => {
      status.textContent = text;
      const note = document.createElement("p");
      note.className = asAlert ? "alert wrong said" : "alert said";
      note.textContent = text;
      const report = document.getElementById("report");
      // What was corrected there stays, to be sent again.
      report.querySelector(".said")?.remove();
      report.prepend(note);
    };
    const check = async () => {
      if (!input.files.length) return say(form.dataset.none, true);
      say(form.dataset.busy, false);
      form.setAttribute("aria-busy", "true");
      const sent = new FormData(form);
      sent.set("step", "check");
      try {
        const answer = await fetch(form.action, { method: "POST", body: sent, headers: { Accept: "text/html" } });
        const page = await answer.text();
        if (!show(page)) {
          const said = new DOMParser().parseFromString(page, "text/html").querySelector("main .alert, main h1");
          say(said ? said.textContent.trim() : form.dataset.failed, true);
        }
      } catch {
        say(form.dataset.failed, true);
      } finally {
        form.removeAttribute("aria-busy");
      }
    };

    input.addEventListener("change", check);
    form.addEventListener("submit", (event) => {
      if (event.submitter?.value === "check") {
        event.preventDefault();
        check();
      } else if (form.dataset.sent) {
        event.preventDefault();
      } else {
        form.dataset.sent = "yes";
        status.textContent = form.dataset.storing;
        event.submitter.classList.add("busy");
      }
    });
    // A file let go beside the zone would be opened in the place of this page.
    for (const kind of ["dragover", "drop"]) {
      window.addEventListener(kind, (event) => { if (event.dataTransfer?.types.includes("Files")) event.preventDefault(); });
    }
    for (const kind of ["dragenter", "dragover"]) {
      drop.addEventListener(kind, (event) => {
        event.preventDefault();
        drop.classList.add("over");
      });
    }
    drop.addEventListener("dragleave", () => drop.classList.remove("over"));
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      drop.classList.remove("over");
      input.files = event.dataTransfer.files;
      check();
    });
  }
}
