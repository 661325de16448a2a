// What the browser does by itself: tell the viewer's time zone, open native dialogs, steer the palette by keys.
// Loaded in the head before the app connects, so that the zone is known to the first answer.
(() => {
  if (window.plumblineReady) return;
  window.plumblineReady = true;

  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) document.cookie = `plumbline_zone=${encodeURIComponent(zone)}; path=/; max-age=31536000; samesite=lax`;
  // Where people sign in, the tab begins anew: what is still on its way to whoever used it before must not reach the next.
  if (/^\/(login|register|invite)(\/|$)/.test(window.location.pathname)) window.sessionStorage.removeItem("token");

  const byId = (id) => document.getElementById(id);
  const typing = (target) => target.closest?.("input, textarea, select, [contenteditable=true]");

  function open(id) {
    const dialog = byId(id);
    if (!dialog || dialog.open) return;
    document.querySelectorAll("dialog[open]").forEach((other) => other.close());
    document.querySelectorAll("[popover]:popover-open").forEach((menu) => menu.hidePopover());
    dialog.showModal();
    if (id === "palette") {
      const query = byId("palette-query");
      // React keeps its own idea of the value; the native setter followed by an input event tells it too.
      Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(query, "");
      query.dispatchEvent(new Event("input", { bubbles: true }));
      query.focus();
    }
  }

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener) return open(opener.dataset.opens);
    const closer = event.target.closest("[data-closes]");
    if (closer) return byId(closer.dataset.closes)?.close();
    const dialog = event.target.closest("dialog[open]");
    if (dialog && (event.target === dialog || event.target.closest("a[href]"))) dialog.close();
    if (event.target.closest("[popover] a[href]")) event.target.closest("[popover]").hidePopover();
  });

  // The second press of a double click sends nothing again.
  document.addEventListener(
    "click",
    (event) => {
      if (event.detail < 2 || !event.target.closest?.("button[type=submit], .btn-primary, .btn-danger")) return;
      event.preventDefault();
      event.stopPropagation();
    },
    true,
  );

  // A refused form leads to its first fault. What answers is the page itself, some time after the form was sent: a fault that is
  // new or says something else is the answer; one that stands there unchanged is, once nothing has moved for a while.
  const FAULTS = ".field-error";
  const PATIENCE = 10_000;
  const STILL = 1500;
  const writing = (target) => target?.matches?.("input:not([type=checkbox], [type=radio]), textarea, select");
  let sending = null;

  function faulty(fault) {
    const named = fault.id.endsWith("-error") && byId(fault.id.slice(0, -"-error".length));
    if (named) return named;
    const own = fault.closest(".field, .cell-edit")?.querySelector("input, select, textarea");
    const all = fault.closest("form")?.querySelectorAll("input:not([type=hidden]), select, textarea") ?? [];
    return own || (all.length === 1 ? all[0] : fault);
  }

  function watch(scope, told) {
    sending?.stop();
    const before = new Map([...scope.querySelectorAll(FAULTS)].map((fault) => [fault, fault.textContent]));
    const from = document.activeElement;
    let still = 0;
    const stop = () => {
      observer.disconnect();
      clearTimeout(still);
      clearTimeout(end);
      if (sending?.stop === stop) sending = null;
    };
    const lead = (isLast) => {
      const now = document.activeElement;
      // Whoever writes elsewhere by now is not called back, and a form that is gone was taken.
      if (!scope.isConnected || (now !== from && writing(now))) return stop();
      const faults = [...scope.querySelectorAll(FAULTS)];
      const fault = faults.some((one) => before.get(one) !== one.textContent) || isLast ? faults[0] : null;
      if (!fault) return;
      stop();
      const target = faulty(fault);
      if (target === fault) fault.tabIndex = -1;
      target.focus();
    };
    const rest = () => {
      clearTimeout(still);
      if (told && before.size) still = setTimeout(() => lead(true), STILL);
    };
    const observer = new MutationObserver(() => {
      rest();
      lead(false);
    });
    observer.observe(scope, { childList: true, subtree: true, characterData: true });
    const end = setTimeout(stop, PATIENCE);
    sending = { stop };
    rest();
  }

  document.addEventListener("submit", (event) => watch(event.target, true), true);
  // Not everything that is sent is a form: a press of the main button of a page counts as well.
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button.btn[type=button]");
    if (button) watch(button.closest("form, [role=dialog], main") ?? document.body, button.matches(".btn-primary"));
  });

  // A dialog that closes gives the focus back to what had it; by itself it only knows a trigger of its own.
  const MODAL = "[role=dialog]:not([popover]), [role=alertdialog]";
  const seen = new WeakSet();
  document.addEventListener("focusin", (event) => {
    const dialog = event.target.closest?.(MODAL);
    if (!dialog || seen.has(dialog)) return;
    seen.add(dialog);
    const opener = event.relatedTarget;
    if (!opener || opener.closest(MODAL)) return;
    const closing = new MutationObserver(() => {
      if (dialog.isConnected) return;
      closing.disconnect();
      setTimeout(() => {
        if (document.activeElement === document.body && opener.isConnected) opener.focus();
      }, 50);
    });
    closing.observe(document.body, { childList: true, subtree: true });
  });

  const entries = () => [...document.querySelectorAll("#palette .palette-entry")].filter((entry) => !entry.hidden);

  function choose(index) {
    const shown = entries();
    document.querySelectorAll("#palette .palette-entry[aria-selected=true]").forEach((entry) => {
      entry.setAttribute("aria-selected", "false");
    });
    const entry = shown[Math.max(0, Math.min(index, shown.length - 1))];
    const query = byId("palette-query");
    if (!entry) return query.removeAttribute("aria-activedescendant");
    entry.id ||= `palette-entry-${Math.random().toString(36).slice(2, 9)}`;
    entry.setAttribute("aria-selected", "true");
    query.setAttribute("aria-activedescendant", entry.id);
    entry.scrollIntoView({ block: "nearest" });
  }

  function filter() {
    const words = byId("palette-query").value.toLowerCase().split(/\s+/).filter(Boolean);
    document.querySelectorAll("#palette [data-filtered] .palette-entry").forEach((entry) => {
      const text = entry.textContent.toLowerCase();
      entry.hidden = !words.every((word) => text.includes(word));
    });
    byId("palette").classList.toggle("is-empty", entries().length === 0);
    choose(0);
  }

  document.addEventListener("input", (event) => {
    if (event.target.id === "palette-query") filter();
  });

  // Found things arrive from the server after the key was pressed.
  let settled = 0;
  new MutationObserver((changes) => {
    if (!byId("palette")?.open || !changes.some((change) => change.target.closest?.("#palette-list"))) return;
    clearTimeout(settled);
    settled = setTimeout(() => {
      byId("palette").classList.toggle("is-empty", entries().length === 0);
      if (!document.querySelector("#palette .palette-entry[aria-selected=true]:not([hidden])")) choose(0);
    }, 30);
  }).observe(document.documentElement, { childList: true, subtree: true });

  let leader = 0;
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      return open("palette");
    }
    if (event.target.id === "palette-query") {
      const shown = entries();
      const at = shown.findIndex((entry) => entry.getAttribute("aria-selected") === "true");
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        choose(event.key === "ArrowDown" ? (at + 1) % shown.length : (at - 1 + shown.length) % shown.length);
      } else if (event.key === "Enter") {
        event.preventDefault();
        shown[Math.max(at, 0)]?.click();
      }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (document.querySelector("dialog[open], [role=dialog]")) return;
    if (event.key === "?") return open("shortcuts");
    if (event.key === "/") {
      const search = document.querySelector("main input[type=search]");
      if (search) {
        event.preventDefault();
        search.focus();
      }
      return;
    }
    if (event.key === "g") {
      leader = Date.now();
      return;
    }
    if (leader && Date.now() - leader < 1200) {
      document.querySelector(`[data-go="${CSS.escape(event.key)}"]`)?.click();
    }
    leader = 0;
  });
})();
