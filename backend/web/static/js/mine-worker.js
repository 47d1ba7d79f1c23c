// Keeps the last planning of one person, and shows it where there is no network; a form that did not leave is shown
// again, to be sent once more. It looks at navigations in /me alone.
"use strict";

const PREFIX = "filage-mine-";
const PLANNING = "/me";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  if (event.request.mode !== "navigate") return;
  if (event.request.method === "GET") event.respondWith(answer(event));
  if (event.request.method === "POST") event.respondWith(send(event.request));
});

const WORDS = {
  fr: {
    title: "Pas de réseau : rien n'est parti",
    text: "Ce que vous avez saisi est là. Renvoyez-le quand le réseau revient : il ne comptera qu'une fois.",
    again: "Envoyer de nouveau",
    lost: "Un mot de passe ou un fichier ne se garde pas ici : revenez en arrière et recommencez.",
    back: "Mon planning",
  },
  en: {
    title: "No network: nothing was sent",
    text: "What you typed is here. Send it again when the network is back: it will count once.",
    again: "Send again",
    lost: "A password or a file is not kept here: go back and start again.",
    back: "My planning",
  },
};
const UNSEEN = new Set(["csrf", "once", "seen", "version", "declaration", "month", "free"]);

// The network may be gone although the device believes otherwise.
async function send(request) {
  const copy = request.clone();
  try {
    return await fetch(request);
  } catch {
    return notSent(copy);
  }
}

async function notSent(request) {
  const kept = await lastPlanning();
  const page = kept ? await kept.text() : "";
  const language = /<html lang="en"/.test(page) ? "en" : "fr";
  const words = WORDS[language];
  const style = /<link rel="stylesheet" href="[^"]+">/.exec(page)?.[0] ?? "";
  const fields = [...(await request.formData())];
  const lost = fields.some(([name, value]) => typeof value !== "string" || name.includes("password"));
  const hidden = fields.map(([name, value]) => `<input type="hidden" name="${safe(name)}" value="${safe(value)}">`);
  const typed = fields.filter(([name, value]) => !UNSEEN.has(name) && value);
  const body = lost
    ? `<p>${words.lost}</p>`
    : `<p>${words.text}</p>${typed.map(([, value]) => `<blockquote class="card lines">${safe(value)}</blockquote>`).join("")}
<form method="post" action="${safe(new URL(request.url).pathname)}" class="acts">${hidden.join("")}<button type="submit">${words.again}</button></form>`;
  const text = `<!doctype html><html lang="${language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${words.title} · Filage</title>${style}</head>
<body class="mine"><main class="narrow"><h1>${words.title}</h1>${body}<p class="acts"><a href="${PLANNING}">${words.back}</a></p></main></body></html>`;
  const headers = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
  };
  return new Response(text, { status: 503, headers });
}

function safe(text) {
  return String(text).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

async function answer(event) {
  let response;
  try {
    response = await fetch(event.request);
  } catch (problem) {
    const kept = await lastPlanning();
    if (kept) return kept;
    throw problem;
  }
  event.waitUntil(keep(new URL(event.request.url), response.clone()));
  return response;
}

// A redirect means that nobody is signed in here any more: then nothing is kept, and what was is dropped.
async function keep(address, response) {
  if (response.type === "opaqueredirect" || response.redirected) return forgetAllBut("");
  const reader = response.headers.get("Filage-Reader");
  if (!response.ok || !reader || address.pathname !== PLANNING || address.search) return;
  const name = PREFIX + reader;
  await forgetAllBut(name);
  const headers = { "Content-Type": "text/html; charset=utf-8" };
  for (const kept of ["Content-Security-Policy", "Referrer-Policy"]) headers[kept] = response.headers.get(kept) || "";
  const text = (await response.text()).replace('id="offline" class="alert" hidden', 'id="offline" class="alert"');
  await (await caches.open(name)).put(PLANNING, new Response(text, { headers }));
}

async function forgetAllBut(name) {
  const names = await caches.keys();
  await Promise.all(names.filter((one) => one.startsWith(PREFIX) && one !== name).map((one) => caches.delete(one)));
}

async function lastPlanning() {
  for (const name of await caches.keys()) {
    const kept = name.startsWith(PREFIX) && (await (await caches.open(name)).match(PLANNING));
    if (kept) return kept;
  }
  return undefined;
}
