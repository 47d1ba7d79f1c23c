// The board by keyboard, mouse and touch. Each gesture is the shortcut of a form that stands on a page; the server
// decides, and answers with the board as it is then.
(() => {
  "use strict";
  const words = () => document.getElementById("grab-words")?.dataset ?? {};
  const board = () => document.getElementById("board");
  const say = (text) => {
    const status = document.getElementById("status");
    status.textContent = "";
    requestAnimationFrame(() => { status.textContent = text; });
  };
  const alerts = document.getElementById("alerts");
  const shown = (one) => one.getClientRects().length > 0;
  const chips = () => [...document.querySelectorAll("#board .chip")].filter(shown);
  const key = (chip) => chip && [chip.dataset.call, chip.dataset.a, chip.dataset.p].join("|");
  const row = (cell) => cell.closest("tr").dataset.row;
  const text = (chip) => chip.textContent.replace(/\s+/g, " ").trim();
  let trimmed = false;
  let held = null, over = null, copying = false, marks = {}, marked = "";

  // One tab stop: the chip that had the focus last, or the first one.
  function rove(wanted) {
    const all = chips();
    const now = all.find((chip) => key(chip) === wanted) ?? all[0];
    for (const chip of document.querySelectorAll("#board .chip")) chip.tabIndex = chip === now ? 0 : -1;
    return now;
  }

  async function send(path, fields, focus) {
    const body = new URLSearchParams(fields);
    let answer;
    try {
      answer = await fetch(path, { method: "POST", body, headers: { "HX-Request": "true", Accept: "text/html" } });
    } catch {
      alerts.innerHTML = '<p class="alert wrong"></p>';
      alerts.firstChild.textContent = words().lost;
      return;
    }
    if (answer.headers.get("HX-Redirect")) { location.assign(answer.headers.get("HX-Redirect")); return; }
    const found = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!answer.ok) {
      alerts.replaceChildren(...found.body.children);
      alerts.querySelector("textarea, select, .alert")?.scrollIntoView({ block: "nearest" });
      rove(focus)?.focus();
      return;
    }
    swap(found.getElementById("board"), focus);
  }

  function swap(fresh, focus) {
    if (!fresh) { location.reload(); return; }
    alerts.replaceChildren();
    marks = {}; marked = "";
    trimmed = !fresh.querySelector(".phone-days");
    if (!patch(board(), fresh)) board().replaceWith(fresh);
    const said = document.querySelector("#done [data-say]")?.textContent ?? "";
    const count = document.querySelector("#found-title")?.textContent.replace(/\s+/g, " ").trim() ?? "";
    say(`${said} ${count}`);
    const call = focus?.split("|")[0];
    const same = chips().find((chip) => key(chip) === focus) ?? chips().find((chip) => chip.dataset.call === call);
    rove(key(same));
    (same ?? document.querySelector("#done button") ?? document.getElementById("main")).focus({ preventScroll: false });
    document.dispatchEvent(new Event("board"));
  }

  // Of a table with the same rows and days, only the cells that differ are replaced: the rest is not laid out again.
  function patch(old, fresh) {
    const [rows, next] = [old, fresh].map((one) => [...one.querySelectorAll("table.week tr")]);
    const differ = (line, at) => line.dataset.row !== next[at].dataset.row || line.cells.length !== next[at].cells.length;
    if (!rows.length || rows.length !== next.length || rows.some(differ)) return false;
    for (const chip of [old, fresh].flatMap((one) => [...one.querySelectorAll(".chip")])) chip.tabIndex = -1;
    rows.forEach((line, at) => [...line.cells].forEach((cell, column) => {
      const wanted = next[at].cells[column];
      if (cell.innerHTML !== wanted.innerHTML) cell.replaceChildren(...wanted.childNodes);
    }));
    for (const part of ["#done", ".panel", ".phone-days"]) {
      const [was, is] = [old.querySelector(part), fresh.querySelector(part)];
      if (was && is) was.replaceWith(is); else if (was) was.remove(); else if (is) old.prepend(is);
    }
    Object.assign(old.dataset, fresh.dataset);
    return true;
  }

  // A wide screen asks for the board without the list of small ones, and for all of it when it becomes small.
  const small = matchMedia("(max-width: 40rem)");
  small.addEventListener("change", () => { if (trimmed) location.reload(); });
  const basics = (chip) => ({
    csrf: board().dataset.csrf, once: once(), version: chip?.dataset.v ?? "",
    back: board().dataset.back + (small.matches ? "" : "&wide=1"),
  });
  // Not crypto.randomUUID: a company's own server may be reached by http.
  const once = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("");

  function drop(chip, cell, copy) {
    if (chip.dataset.person) { put(chip, cell); return; }
    const here = chip.closest("td");
    const fields = { ...basics(chip), day: cell.dataset.day };
    const by = new URLSearchParams(board().dataset.back.split("?")[1]).get("by");
    const target = row(cell), former = row(here);
    const path = `${board().dataset.home}/calls/${chip.dataset.call}/move`;
    if (copy) fields.copy = "1";
    if (chip.dataset.p && by === "person" && target !== "open") {
      Object.assign(fields, { person: target, position: chip.dataset.p, name: name(target) });
    } else if (target !== former && target !== "open" && former !== "open") {
      if (by === "venue") fields.venue = target;
      else if (by === "person" && chip.dataset.a && cell.dataset.day === here.dataset.day) {
        Object.assign(fields, { person: target, assignment: chip.dataset.a, name: name(target) });
      } else if (by === "person") { say(words().nowhere); return; }
    } else if (cell === here && !copy) return;
    send(path, fields, key(chip));
  }

  // Somebody's name dropped on a chip: they are put on that call's open position, as a draft.
  function put(person, target) {
    const chip = target.closest?.(".chip");
    if (!chip?.dataset.p) { say(words().nowhere); return; }
    const fields = { ...basics(chip), person: person.dataset.person, position: chip.dataset.p, name: person.textContent };
    send(`${board().dataset.home}/calls/${chip.dataset.call}/move`, fields, key(chip));
  }

  const name = (id) => document.querySelector(`[data-person="${id}"]`)?.textContent.trim() ?? "";

  function grab(chip, copy) {
    if (!chip.dataset.v && !chip.dataset.person) return false;
    if ("fixed" in chip.dataset) { say(words().nowhere); return false; }
    held = chip; copying = copy; over = chip.closest("td");
    chip.classList.add("held");
    say(`${words().grab} ${text(chip)}`);
    prefetch(chip);
    return true;
  }

  function release(cancelled) {
    held?.classList.remove("held");
    document.querySelectorAll(".over").forEach((one) => one.classList.remove("over"));
    document.querySelectorAll("[data-mark]").forEach((one) => one.removeAttribute("data-mark"));
    document.body.classList.remove("dragging");
    if (cancelled) say(words().cancel);
    held = null;
  }

  function hover(cell) {
    if (cell === over && cell?.classList.contains("over")) return;
    over?.classList.remove("over");
    over = cell;
    if (!cell) return;
    cell.classList.add("over");
    const line = cell.closest("tr");
    const day = board().querySelector(`thead th:nth-child(${cell.cellIndex + 1})`)?.textContent ?? cell.dataset.day;
    const mark = { 0: "✓", 1: "!", 2: "✕" }[marks[row(cell)]] ?? "";
    say(`${words().over} ${day.trim()}, ${line.querySelector("th")?.textContent.replace(/\s+/g, " ").trim() ?? ""} ${mark}`);
  }

  // Whom an open position would suit: one answer, drawn on all rows.
  async function prefetch(chip) {
    if (!chip.dataset.p) return;
    if (marked !== chip.dataset.p) {
      const path = `${board().dataset.home}/calls/${chip.dataset.call}/positions/${chip.dataset.p}/marks`;
      const body = new URLSearchParams({ csrf: board().dataset.csrf });
      try {
        const answer = await fetch(path, { method: "POST", body, headers: { "HX-Request": "true" } });
        if (!answer.ok) return;
        marks = await answer.json(); marked = chip.dataset.p;
      } catch { return; }  // the marks are a help: the drop is judged all the same
    }
    if (held !== chip) return;
    for (const one of document.querySelectorAll("[data-person]")) {
      if (one.dataset.person in marks) one.dataset.mark = marks[one.dataset.person];
    }
  }

  const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

  function cellBeside(cell, [down, right]) {
    const lines = [...cell.closest("tbody").rows];
    const line = lines[lines.indexOf(cell.parentElement) + down];
    const found = line?.cells[cell.cellIndex + right];
    return found?.dataset.day ? found : cell;
  }

  function walk(chip, step) {
    const cell = chip.closest("td");
    if (!cell) {
      const all = chips();
      return all[all.indexOf(chip) + (step[0] + step[1])];
    }
    const inside = [...cell.querySelectorAll(".chip")];
    const next = step[0] && inside[inside.indexOf(chip) + step[0]];
    if (next) return next;
    let at = cell, before = null;
    while (at !== before) {
      before = at;
      at = cellBeside(at, step);
      const found = at === cell ? null : at.querySelectorAll(".chip");
      if (found?.length) return step[0] < 0 ? found[found.length - 1] : found[0];
    }
    // Nothing straight on: the nearest chip of another row or day in that direction.
    const all = chips();
    return all[all.indexOf(chip) + (step[0] + step[1] > 0 ? 1 : -1)];
  }

  document.addEventListener("keydown", (event) => {
    const chip = event.target.closest?.("#board .chip");
    if (!chip || event.ctrlKey || event.metaKey) return;
    const step = STEPS[event.key];
    if (held) {
      if (step) hover(cellBeside(over, step));
      else if (event.key === "Enter") { const [what, where, copy] = [held, over, copying]; release(); drop(what, where, copy); }
      else if (event.key === "Escape" || event.key === "Tab") release(true);
      else return;
      if (event.key !== "Tab") event.preventDefault();
    } else if (step) {
      event.preventDefault();
      const next = walk(chip, step);
      if (next) { rove(key(next)); chip.tabIndex = -1; next.tabIndex = 0; next.focus(); }
    } else if ("+-".includes(event.key) && chip.closest(".hours-list")) {
      chip.closest("li").querySelector(`button[value="${event.key === "+" ? 15 : -15}"]`)?.click();
    } else if (/^[mc]$/i.test(event.key) && chip.closest("td")) {
      if (grab(chip, /c/i.test(event.key))) event.preventDefault();
    }
  });
  document.addEventListener("focusin", (event) => {
    const chip = event.target.closest?.("#board .chip");
    if (chip) for (const one of document.querySelectorAll("#board .chip")) one.tabIndex = one === chip ? 0 : -1;
  });

  // Mouse at once after a few pixels; touch after a long press, so that the page scrolls as it always does.
  let start = null, timer = 0, dragged = false;
  const source = (target) => target.closest?.("#board td .chip, #board [data-person]");
  const under = (event) => {
    const found = document.elementFromPoint(event.clientX, event.clientY);
    return held?.dataset.person ? found : found?.closest("#board td[data-day]");
  };
  document.addEventListener("pointerdown", (event) => {
    const chip = source(event.target);
    dragged = false;
    if (!chip || event.button || !(chip.dataset.v || chip.dataset.person)) return;
    start = { chip, x: event.clientX, y: event.clientY, id: event.pointerId, touch: event.pointerType !== "mouse" };
    if (start.touch) timer = setTimeout(() => { if (start && grab(start.chip, false)) begin(); }, 450);
  });
  function begin() { dragged = true; document.body.classList.add("dragging"); }
  document.addEventListener("pointermove", (event) => {
    if (!start || event.pointerId !== start.id) return;
    const far = Math.hypot(event.clientX - start.x, event.clientY - start.y) > 6;
    if (!held && far) {
      if (start.touch) { clearTimeout(timer); start = null; return; }
      if (grab(start.chip, event.altKey)) begin(); else { start = null; return; }
    }
    if (!dragged) return;
    copying = event.altKey;
    const cell = under(event);
    if (cell) hover(cell.closest("td") ?? over);
  });
  document.addEventListener("touchmove", (event) => { if (dragged) event.preventDefault(); }, { passive: false });
  document.addEventListener("pointerup", (event) => {
    clearTimeout(timer);
    if (!start) return;
    start = null;
    if (!dragged || !held) return;
    const [what, target, copy] = [held, under(event), copying || event.altKey];
    release(!target);
    if (target) drop(what, target, copy);
  });
  document.addEventListener("pointercancel", () => { clearTimeout(timer); start = null; if (held) release(true); });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && dragged && held) { start = null; release(true); } });
  document.addEventListener("dragstart", (event) => { if (source(event.target)) event.preventDefault(); });
  document.addEventListener("contextmenu", (event) => { if (dragged) event.preventDefault(); });

  // A press opens the commands of the call beside the board; with a modifier, the link is a link.
  document.addEventListener("click", async (event) => {
    const chip = event.target.closest?.("#board .chip");
    if (!chip) return;
    if (dragged) { event.preventDefault(); dragged = false; return; }
    const sheet = document.getElementById("sheet");
    if (!sheet || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    try {
      const path = `${board().dataset.home}/calls/${chip.dataset.call}/sheet?back=${encodeURIComponent(board().dataset.back)}`;
      const answer = await fetch(path, { headers: { "HX-Request": "true", Accept: "text/html" } });
      if (!answer.ok) throw new Error(answer.status);
      const found = new DOMParser().parseFromString(await answer.text(), "text/html");
      sheet.replaceChildren(...found.body.children);
      sheet.dataset.from = key(chip);
      sheet.showModal();
    } catch { location.assign(chip.href); }
  });
  document.getElementById("sheet")?.addEventListener("close", (event) => rove(event.target.dataset.from)?.focus());

  // Forms that answer with the board: undo, cures, the sheet's move and copy.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!("quick" in form.dataset) || !board()) return;
    event.preventDefault();
    const focus = document.getElementById("sheet")?.open ? document.getElementById("sheet").dataset.from : key(chips().find((one) => one.tabIndex === 0));
    document.getElementById("sheet")?.close();
    send(form.action, new FormData(form, event.submitter), focus);
  });

  window.filage = { send, basics };
  if (board()) rove();
})();
