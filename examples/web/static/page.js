// What comes from a page or a person becomes text (`textContent`) and never markup.
const form = document.querySelector("form");
const state = document.querySelector("[role=status]");
const bar = document.querySelector("progress");
const list = document.querySelector("ul");
let source = null;

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const answer = await fetch("tasks", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ keyword: form.elements.keyword.value }),
  });
  if (answer.ok) location.hash = (await answer.json()).task_id;
  else state.textContent = await answer.text();
});

function follow() {
  source?.close();
  const taskId = location.hash.slice(1);
  if (!taskId) return;
  source = new EventSource(`tasks/${encodeURIComponent(taskId)}/events`);
  // After a break the browser connects by itself, and all of it is told again.
  source.addEventListener("open", () => list.replaceChildren());
  source.addEventListener("task", ({ data }) => {
    const task = JSON.parse(data);
    bar.value = task.progress;
    state.textContent = `${task.state}, ${task.items} items${task.error ? `: ${task.error}` : ""}`;
  });
  source.addEventListener("item", ({ data }) => {
    const item = JSON.parse(data);
    const link = document.createElement(/^https?:/.test(item.url ?? "") ? "a" : "span");
    if (link.tagName === "A") link.href = item.url;
    link.textContent = item.content;
    const line = document.createElement("li");
    line.append(link);
    list.append(line);
  });
  source.addEventListener("end", () => source.close());
}

addEventListener("hashchange", follow);
follow();
