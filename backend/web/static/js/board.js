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
  let held = null, over = null, copying = false, marks = {}, marked = "";

  let stop = null;

  // One tab stop: the chip that had the focus last, or the first one.
  function rove(chip) {
    const now = chip ?? chips()[0];
    if (stop && stop !== now) stop.tabIndex = -1;
    if (now) now.tabIndex = 0;
    stop = now;
    return now;
  }
  const still = (part) => { for (const chip of part.querySelectorAll(".chip")) if (chip !== stop) chip.tabIndex = -1; };
  const find = (wanted) => {
    const call = wanted?.split("|")[0];
    const same = call ? [...document.querySelectorAll(`#board .chip[data-call="${call}"]`)].filter(shown) : [];
    return same.find((chip) => key(chip) === wanted) ?? same[0];
  };
  // What this board shows, part by part: the answer holds only what is not so any more.
  const seen = () => [board().dataset.shape, ...Array.from(board().querySelectorAll("[data-k]"), (part) => `${part.dataset.k}:${part.dataset.h}`)].join(" ");

  // A refusal stays in reach, wherever the page is scrolled to, until it is closed.
  function refuse(parts, focus) {
    alerts.replaceChildren(...parts);
    const close = Object.assign(document.createElement("button"), { type: "button", className: "plain close", textContent: words().close });
    close.addEventListener("click", () => { alerts.replaceChildren(); (find(focus) ?? document.getElementById("main")).focus(); });
    alerts.firstElementChild?.append(close);
    (rove(find(focus)) ?? close).focus();
  }

  const lost = (focus) => refuse([Object.assign(document.createElement("div"), { className: "alert wrong", textContent: words().lost })], focus);

  // The request leaves first; `begin` shows meanwhile what it will do, and returns what takes that back. Where there is
  // no network, no login or a refusal, that is said here, and nothing is returned.
  async function ask(path, body, focus, begin) {
    const asked = fetch(path, { method: body ? "POST" : "GET", body, headers: { "HX-Request": "true", Accept: "text/html" } });
    const undo = begin?.(), sheet = document.getElementById("sheet");
    let answer, text;
    try {
      answer = await asked;
      text = await answer.text();
    } catch {
      undo?.();
      sheet?.close();
      lost(focus);
      return null;
    }
    const elsewhere = answer.headers.get("HX-Redirect");
    if (elsewhere) { location.assign(elsewhere); return null; }
    const found = new DOMParser().parseFromString(text, "text/html");
    undo?.();
    if (answer.ok) return found;
    // Somebody was faster: the board as it is now comes with the refusal, so that the next gesture begins from there.
    sheet?.close();
    const taken = take(found);
    refuse(found.body.children, focus);
    if (taken) document.dispatchEvent(new Event("board"));
    return null;
  }

  async function send(path, fields, focus, begin) {
    const body = new URLSearchParams(fields);
    body.set("seen", seen());
    const found = await ask(path, body, focus, begin);
    if (found) show(found, focus);
  }

  // Puts what an answer brings of the board into its place; false where it brings nothing of it.
  function take(found) {
    const changes = found.getElementById("changes"), fresh = found.getElementById("board");
    if (!changes && !fresh) return false;
    marks = {}; marked = "";
    document.getElementById("publish-place").replaceChildren(...found.querySelectorAll("#publish"));
    if (changes) { patch(changes); changes.remove(); } else board().replaceWith(fresh);
    if (fresh) { still(fresh); stop = null; }
    return true;
  }

  function show(found, focus) {
    if (!take(found)) { location.reload(); return; }
    alerts.replaceChildren();
    const said = document.querySelector("#done [data-say]")?.textContent ?? "";
    const count = document.querySelector("#found-title")?.textContent.replace(/\s+/g, " ").trim() ?? "";
    say(`${said} ${count}`);
    const same = find(focus);
    rove(same ?? (stop?.isConnected ? stop : null));
    (same ?? document.querySelector("#done button") ?? document.getElementById("main")).focus();
    document.dispatchEvent(new Event("board"));
  }

  function patch(changes) {
    const old = new Map(Array.from(board().querySelectorAll("[data-k]"), (part) => [part.dataset.k, part]));
    for (const part of changes.querySelectorAll("[data-k]")) {
      const was = old.get(part.dataset.k);
      if (!was) continue;
      still(part);
      for (const one of was.querySelectorAll("details[data-job]")) {
        const same = part.querySelector(`details[data-job="${CSS.escape(one.dataset.job)}"]`);
        if (same) same.open = one.open;
      }
      was.replaceWith(part);
    }
    document.getElementById("done")?.remove();
    board().prepend(...changes.querySelectorAll("#done"));
  }

  // Of the table of wide screens and the list of small ones, the next page brings the one that this screen shows.
  const small = matchMedia("(max-width: 40rem)");
  const screen = () => { document.cookie = `filage-screen=${small.matches ? "small" : "wide"}; path=/c; max-age=31536000; samesite=lax`; };
  const misses = () => board()?.querySelector(".phone-days, table.week") && !board().querySelector(small.matches ? ".phone-days" : "table.week");
  small.addEventListener("change", () => { screen(); if (misses()) location.reload(); });
  const basics = (chip) => ({ csrf: board().dataset.csrf, once: once(), version: chip?.dataset.v ?? "", back: board().dataset.back });
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
    } else if (target !== former && target !== "open" && former !== "open" && by !== "department") {
      if (by === "venue") fields.venue = target;
      else if (by === "person" && chip.dataset.a && cell.dataset.day === here.dataset.day) {
        Object.assign(fields, { person: target, assignment: chip.dataset.a, name: name(target) });
      } else if (by === "person") { say(words().nowhere); return; }
    } else if (cell.dataset.day === here.dataset.day && !copy) {
      if (cell !== here) say(words().nowhere);
      return;
    }
    send(path, fields, key(chip), "person" in fields ? undefined : () => place(chip, cell, copy));
  }

  // The chip is where it was dropped at once; what takes it back runs before the answer is shown.
  function place(chip, cell, copy) {
    const placed = copy ? chip.cloneNode(true) : chip, home = chip.parentNode, next = chip.nextSibling;
    const row = cell.querySelectorAll(".chip"), had = document.activeElement === chip;
    const after = [...row].find((one) => text(one) > text(chip));
    placed.classList.add("waiting");
    if (after && after.parentNode === cell) after.before(placed); else cell.append(placed);
    if (had) chip.focus({ preventScroll: true });
    return () => {
      placed.classList.remove("waiting");
      if (copy) placed.remove(); else home.insertBefore(chip, next);
    };
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
    setTimeout(() => { if (held === chip) prefetch(chip); }, 150);  // a quick drag needs no marks
    return true;
  }

  function release(cancelled) {
    held?.classList.remove("held");
    document.querySelectorAll(".over").forEach((one) => one.classList.remove("over"));
    document.querySelectorAll("[data-mark]").forEach((one) => one.removeAttribute("data-mark"));
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
    const mark = { 0: "✓", 1: "!", 2: "✕" }[marks[row(cell)] ?? marks[cell.dataset.day]] ?? "";
    say(`${words().over} ${day.trim()}, ${[...line.querySelector("th")?.childNodes ?? []].map((part) => part.textContent.trim()).filter(Boolean).join(", ")} ${mark}`);
  }

  // Whom an open position would suit, or which days a call: one answer, drawn on all rows or heads.
  async function prefetch(chip) {
    const { call, p } = chip.dataset, wanted = p ?? call;
    if (!call) return;
    if (marked !== wanted) {
      const path = `${board().dataset.home}/calls/${call}/`, headers = { "HX-Request": "true" };
      const asked = p
        ? fetch(`${path}positions/${p}/marks`, { method: "POST", body: new URLSearchParams({ csrf: board().dataset.csrf }), headers })
        : fetch(`${path}days?back=${encodeURIComponent(board().dataset.back)}`, { headers });
      try {
        const answer = await asked;
        if (!answer.ok) return;
        marks = await answer.json(); marked = wanted;
      } catch { return; }  // the marks are a help: the drop is judged all the same
    }
    if (held !== chip) return;
    for (const one of document.querySelectorAll("#board [data-person], #board thead [data-date], #board td .date")) {
      const mark = marks[one.dataset.person ?? one.dataset.date];
      if (mark !== undefined) one.dataset.mark = mark;
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
      if (next) rove(next).focus();
    } else if ("+-".includes(event.key) && chip.closest(".hours-list")) {
      chip.closest("li").querySelector(`button[value="${event.key === "+" ? 15 : -15}"]`)?.click();
    } else if (/^[mc]$/i.test(event.key) && chip.closest("td")) {
      if (grab(chip, /c/i.test(event.key))) event.preventDefault();
    }
  });
  document.addEventListener("focusin", (event) => {
    const chip = event.target.closest?.("#board .chip");
    if (chip && chip !== stop) rove(chip);
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
  // No class on the page says that something is held: it would have every chip styled anew, twice a drag.
  function begin() { dragged = true; getSelection()?.removeAllRanges(); }
  document.addEventListener("selectstart", (event) => { if (start && held) event.preventDefault(); });
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
  document.addEventListener("click", (event) => {
    const chip = event.target.closest?.("#board .chip");
    if (!chip) return;
    if (dragged) { event.preventDefault(); dragged = false; return; }
    const sheet = document.getElementById("sheet");
    if (!sheet || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    sheet.dataset.from = key(chip);
    fill(sheet, `${board().dataset.home}/calls/${chip.dataset.call}/sheet?seen=0&back=${encodeURIComponent(board().dataset.back)}`);
  });

  // The sheet beside the board: a call's commands, and the chooser of people.
  async function fill(sheet, path, body) {
    body?.set("seen", seen());
    const found = await ask(path, body, sheet.dataset.from);
    if (!found) return;
    sheet.replaceChildren(...found.body.children);
    if (!sheet.open) sheet.showModal();
    sheet.scrollTop = 0;
  }
  document.getElementById("sheet")?.addEventListener("close", (event) => rove(find(event.target.dataset.from))?.focus());

  // Forms that answer with the board: undo, cures, the sheet's move and copy.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!board() || !("quick" in form.dataset || "sheet" in form.dataset)) return;
    event.preventDefault();
    if ("sheet" in form.dataset) {
      fill(document.getElementById("sheet"), form.action, new URLSearchParams(new FormData(form, event.submitter)));
      return;
    }
    const focus = document.getElementById("sheet")?.open ? document.getElementById("sheet").dataset.from : stop && key(stop);
    document.getElementById("sheet")?.close();
    send(form.action, new FormData(form, event.submitter), focus);
  });

  window.filage = { send, basics };
  if (board()) {
    screen();
    if (misses()) location.reload();
    still(board());
    rove();
  }
})();
