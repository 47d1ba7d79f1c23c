// Keeps the last planning of one person, and shows it where there is no network. It looks at navigations in /me alone.
"use strict";

const PREFIX = "filage-mine-";
const PLANNING = "/me";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  if (event.request.mode === "navigate" && event.request.method === "GET") event.respondWith(answer(event));
});

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
