// Solves django-altcha's challenge: the number whose SHA-256 after the salt is the challenge.
// In small steps, so that a cheap phone stays usable. No worker and no inline style: the content
// security policy of these pages allows neither.
(() => {
  "use strict";
  const STEP = 500;

  const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");

  async function solve({ algorithm, challenge, salt, max_number: last }) {
    const text = new TextEncoder();
    for (let first = 0; first <= last; first += STEP) {
      const numbers = Array.from({ length: STEP }, (_unused, index) => first + index);
      const digests = await Promise.all(numbers.map((n) => crypto.subtle.digest(algorithm, text.encode(salt + n))));
      const found = digests.findIndex((digest) => hex(digest) === challenge);
      if (found >= 0) return first + found;
    }
    return null;
  }

  for (const place of document.querySelectorAll("[data-proof-of-work]")) {
    const challenge = JSON.parse(place.dataset.challenge);
    // Also the one for the Enter key, which stands outside of the form. The language can be changed meanwhile.
    const buttons = [...place.closest("form").elements].filter((each) => each.type === "submit" && !each.hasAttribute("formaction"));
    const status = place.querySelector("[data-proof-of-work-status]");
    status.hidden = false;
    for (const button of buttons) button.disabled = true;
    solve(challenge).then((number) => {
      const { algorithm, challenge: name, salt, signature } = challenge;
      const payload = JSON.stringify({ algorithm, challenge: name, number, salt, signature });
      place.querySelector("input").value = btoa(payload);
      status.textContent = place.dataset.done;
    }).finally(() => {
      for (const button of buttons) button.disabled = false;
    });
  }
})();
