// Nobody is signed in on this page: whatever the pages of a person kept in this browser is dropped.
"use strict";

if ("caches" in window) {
  caches.keys().then((names) => names.filter((name) => name.startsWith("filage-mine-")).forEach((name) => caches.delete(name)));
}
