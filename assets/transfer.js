// The import of a plan: the browser itself sends the file that was chosen, and hands the answer to the page.
(() => {
  if (window.plumblineTransferReady) return;
  window.plumblineTransferReady = true;

  const ROWS = 200;
  const MOST = 400_000; // the page's connection takes no larger message
  let picked = null;

  const bounded = (text) => {
    let body;
    try {
      body = JSON.parse(text);
    } catch {
      return { detail: "The server did not answer as expected" };
    }
    if (body.detail?.message) return { detail: body.detail.message };
    while (body.rows?.length && JSON.stringify(body).length > MOST) {
      const kept = body.rows.length >> 1;
      body.omitted_row_count += body.rows.length - kept;
      body.rows.length = kept;
    }
    return body;
  };

  const send = async (form, query) => {
    const note = form.querySelector("[role=status]");
    note.textContent = query.preview ? `Reading ${picked.name}` : `Importing ${picked.name}`;
    const data = new FormData();
    data.append("file", picked);
    let status = 0;
    let body = { detail: "The file could not be sent. Choose it again" };
    try {
      const address = `${form.dataset.transfer}?${new URLSearchParams({ ...query, limit: ROWS })}`;
      const answer = await fetch(address, { method: "POST", body: data, credentials: "same-origin" });
      status = answer.status;
      body = bounded(await answer.text());
    } catch {
      // what the page is told then stands in body already
    }
    note.textContent = "";
    const receiver = form.querySelector("textarea[hidden]");
    const told = JSON.stringify({ at: Date.now(), is_preview: Boolean(query.preview), filename: picked.name, status, body });
    Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(receiver, told);
    receiver.dispatchEvent(new Event("input", { bubbles: true }));
  };

  document.addEventListener("change", (event) => {
    const form = event.target.closest?.("form[data-transfer]");
    if (!form || event.target.type !== "file" || !event.target.files.length) return;
    picked = event.target.files[0];
    event.target.value = ""; // so that the same file can be chosen again after it was corrected
    send(form, { preview: "true" });
  });

  document.addEventListener("submit", (event) => {
    const form = event.target.closest?.("form[data-transfer]");
    if (!form) return;
    event.preventDefault();
    if (picked) send(form, { branch_name: form.querySelector("[name=branch_name]")?.value ?? "" });
  });
})();
