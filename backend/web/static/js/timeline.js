// The hours of one day, drawn by event-calendar over the list that holds the same: times are wall times of the place,
// written and read back without an offset, because the library knows no zone. The server adds the place's own.
(() => {
  "use strict";
  let calendar = null;
  const wall = (date) => {
    const two = (number) => String(number).padStart(2, "0");
    return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}:${two(date.getMinutes())}`;
  };

  function change(info) {
    const line = document.querySelector(`.hours-list .chip[data-call="${info.event.id}"]`);
    const fields = { ...filage.basics(line), starts: wall(info.event.start), ends: wall(info.event.end) };
    info.revert();  // what stands is what the server answers
    filage.send(`${document.getElementById("board").dataset.home}/calls/${info.event.id}/stretch`, fields, `${info.event.id}||`);
  }

  // What a block says: its hours and how many of how many are sure, as on its line below, and its title; all of it to
  // whoever rests on it, however short it is.
  function block({ id, title }) {
    const chip = document.querySelector(`.hours-list .chip[data-call="${id}"]`), box = document.createElement("div");
    const hours = chip.querySelector(".hours").textContent, figure = chip.querySelector(".fig");
    box.className = "block";
    box.title = `${title}, ${hours}, ${figure.textContent.trim()}`;
    const line = Object.assign(document.createElement("span"), { textContent: hours });
    line.prepend(figure.cloneNode(true));  // a short block has room for the state only
    box.append(Object.assign(document.createElement("b"), { textContent: title }), line);
    return box;
  }

  const state = (chip) => ["full", "option", "part", "none", "off"].find((one) => chip.classList.contains(one)) ?? "draft";

  function draw() {
    const place = document.getElementById("timeline");
    const lines = [...document.querySelectorAll(".hours-list > li")];
    if (calendar) { EventCalendar.destroy(calendar); calendar = null; }
    if (!place || !lines.length || matchMedia("(max-width: 40rem)").matches) return;
    const places = new Map(lines.map((line) => [line.dataset.venue, line.dataset.place]));
    const day = place.dataset.day, french = document.documentElement.lang === "fr";
    const hours = lines.map((line) => line.dataset.starts.startsWith(day) ? Number(line.dataset.starts.slice(11, 13)) : 0);
    const first = `${String(Math.max(0, Math.min(...hours) - 1)).padStart(2, "0")}:00`;
    const late = lines.some((line) => line.dataset.ends.slice(0, 10) > day);
    place.hidden = false;
    calendar = EventCalendar.create(place, {
      view: "resourceTimelineDay", date: day, headerToolbar: { start: "", center: "", end: "" },
      slotMinTime: first < "07:00" ? first : "07:00", scrollTime: first,
      slotMaxTime: late ? "30:00" : "24:00", slotDuration: "00:30", snapDuration: "00:15", slotWidth: 28, slotHeight: 56,
      locale: document.documentElement.lang, height: "auto", nowIndicator: false,
      slotLabelInterval: "01:00", slotLabelFormat: (time) => `${time.getHours()}${french ? " h" : ":00"}`,
      resources: Array.from(places, ([id, title]) => ({ id, title })),
      events: lines.map((line) => {
        const chip = line.querySelector(".chip");
        const free = Boolean(chip.dataset.v) && !("fixed" in chip.dataset);
        return {
          id: chip.dataset.call, resourceIds: [line.dataset.venue], start: line.dataset.starts, end: line.dataset.ends,
          title: chip.querySelector(".what").textContent, editable: free,
          classNames: [...chip.classList].filter((one) => one !== "chip"),
          backgroundColor: `var(--${state(chip)}-fill)`, textColor: `var(--${state(chip)}-ink)`,
        };
      }),
      eventDurationEditable: true, eventStartEditable: true, eventResourceEditable: false,
      eventContent: (info) => ({ domNodes: [block(info.event)] }),
      eventDrop: change, eventResize: change,
      eventClick: (info) => document.querySelector(`.hours-list .chip[data-call="${info.event.id}"]`)?.click(),
    });
    hush(place);
    new MutationObserver(() => hush(place)).observe(place, { childList: true, subtree: true });
  }

  // The list below says all of this to whoever reads by ear or goes by keys: the drawing is for the eye and the mouse.
  function hush(place) {
    place.setAttribute("aria-hidden", "true");
    for (const one of place.querySelectorAll("[tabindex='0'], button, a[href]")) one.tabIndex = -1;
    for (const one of place.querySelectorAll("[role]")) one.removeAttribute("role");
  }

  document.addEventListener("board", draw);
  draw();
})();
