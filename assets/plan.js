// Keys of lists, insertion of variables, and the guard of unsaved forms: what must not cost a round trip.
(() => {
  if (window.plumblinePlanReady) return;
  window.plumblinePlanReady = true;

  const typing = (target) => target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable=true]");
  const LEAVE = "Your changes are not saved yet. Leave without them?";

  // ---- a form with data-guard is dirty from the first key until it is taken off the page or sent
  const dirty = () => document.querySelector("form[data-guard][data-dirty]");
  const soil = (event) => event.target.closest?.("form[data-guard]")?.setAttribute("data-dirty", "");
  document.addEventListener("input", soil);
  document.addEventListener("change", soil);
  addEventListener("beforeunload", (event) => {
    if (dirty()) event.preventDefault();
  });
  document.addEventListener(
    "click",
    (event) => {
      const form = dirty();
      const leaver = event.target.closest?.("a[href], [data-leaves]");
      if (!form || !leaver || leaver.target === "_blank") return;
      if (leaver.getAttribute("href")?.startsWith("#")) return;
      if (confirm(LEAVE)) return form.removeAttribute("data-dirty");
      event.preventDefault();
      event.stopPropagation();
    },
    true,
  );

  // ---- variables go where the caret was last
  let target = null;
  document.addEventListener("focusin", (event) => {
    if (event.target.matches?.("[data-takes-variables]")) target = event.target;
  });
  document.addEventListener("mousedown", (event) => {
    if (event.target.closest?.("[data-insert]")) event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    const chip = event.target.closest?.("[data-insert]");
    if (!chip) return;
    const field = target?.isConnected ? target : document.querySelector("[data-takes-variables]");
    if (!field) return;
    const at = field.selectionStart ?? field.value.length;
    const value = field.value.slice(0, at) + chip.dataset.insert + field.value.slice(field.selectionEnd ?? at);
    const proto = field.tagName === "TEXTAREA" ? HTMLTextAreaElement.prototype : HTMLInputElement.prototype;
    Object.getOwnPropertyDescriptor(proto, "value").set.call(field, value);
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
    field.setSelectionRange(at + chip.dataset.insert.length, at + chip.dataset.insert.length);
  });

  // ---- a moved row keeps the focus it was moved with
  document.addEventListener("click", (event) => {
    const mover = event.target.closest?.("[data-move]");
    if (!mover?.id) return;
    const until = Date.now() + 2000;
    const hold = () => {
      const now = document.getElementById(mover.id);
      if (document.activeElement === document.body) (now && !now.disabled ? now : now?.closest("tr")?.querySelector("[data-move]:not(:disabled)"))?.focus();
      if (Date.now() < until) setTimeout(hold, 60);
    };
    hold();
  });

  // ---- photos are sent by the browser itself; the page is told when they have arrived
  document.addEventListener("change", async (event) => {
    const input = event.target;
    if (!input.matches?.("[data-upload-to]") || !input.files.length) return;
    const note = document.getElementById(input.dataset.tells);
    const say = (text, isFault = false) => {
      if (!note) return;
      note.textContent = text;
      note.classList.toggle("is-fault", isFault);
    };
    const files = [...input.files];
    input.value = "";
    let refused = "";
    for (const [index, file] of files.entries()) {
      say(`Sending ${index + 1} of ${files.length}: ${file.name}`);
      const body = new FormData();
      body.append("file", file);
      try {
        const answer = await fetch(input.dataset.uploadTo, { method: "POST", body, credentials: "same-origin" });
        if (!answer.ok) {
          const detail = (await answer.json().catch(() => ({}))).detail;
          refused = `${file.name}: ${typeof detail === "string" ? detail : "it could not be stored"}`;
        }
      } catch {
        refused = `${file.name}: the connection broke off`;
      }
    }
    say(refused, true);
    document.getElementById(input.dataset.then)?.click();
  });

  // ---- keys of lists
  const rows = () => [...document.querySelectorAll("main .table tbody tr")].filter((row) => row.querySelector(".row-link"));
  document.addEventListener("keydown", (event) => {
    if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      const mover = event.target.closest?.("tr")?.querySelector(`[data-move="${event.key === "ArrowUp" ? "up" : "down"}"]`);
      if (mover) {
        event.preventDefault();
        mover.focus();
        mover.click();
      }
      return;
    }
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
      event.target.closest?.("form[data-guard]")?.requestSubmit();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (document.querySelector("dialog[open], [role=dialog], [role=alertdialog]")) return;
    if (window.plumblineLeader && Date.now() - window.plumblineLeader < 1200) {
      window.plumblineLeader = 0;
      return;
    }
    if (event.key === "g") {
      window.plumblineLeader = Date.now();
      return;
    }
    if (event.key === "j" || event.key === "k") {
      const all = rows();
      const at = all.indexOf(document.activeElement?.closest("tr"));
      const next = at < 0 ? (event.key === "j" ? 0 : all.length - 1) : at + (event.key === "j" ? 1 : -1);
      all[Math.max(0, Math.min(next, all.length - 1))]?.querySelector(".row-link").focus();
      return;
    }
    if (event.key === "x") {
      document.activeElement?.closest("tr")?.querySelector("input[type=checkbox][data-selects]")?.click();
      return;
    }
    const control = document.querySelector(`main [data-key="${CSS.escape(event.key)}"]`);
    if (control) {
      event.preventDefault();
      control.click();
    }
  });
})();
