// Items as small pictures, each a button; the frame says whether the answer is right. Text is set as text, never as HTML.
export function render({ model }) {
  const box = document.createElement("div")
  box.className = "pictures"
  box.setAttribute("role", "group")
  box.setAttribute("aria-label", "Items")
  const draw = () => {
    box.replaceChildren(...model.items.map((item) => {
      const button = document.createElement("button")
      button.type = "button"
      button.dataset.item = item.item
      button.setAttribute("aria-label", `item ${item.item}, ${item.label}`)
      button.onclick = () => { model.chosen = item.item }
      if (item.image) {
        const image = document.createElement("img")
        image.src = item.image
        image.alt = ""
        button.append(image)
      }
      const label = document.createElement("span")
      label.textContent = item.image ? item.label : `${item.item}: ${item.label}`
      const answer = document.createElement("span")
      answer.className = "answer"
      button.append(label, answer)
      return button
    }))
    mark()
  }
  const mark = () => {
    for (const [place, button] of [...box.children].entries()) {
      const { answer, right } = model.answers[place] ?? { answer: "", right: true }
      button.className = right ? "right" : "wrong"
      button.setAttribute("aria-pressed", Number(button.dataset.item) === model.chosen)
      const words = button.querySelector(".answer")
      words.textContent = right ? "✓" : `✗ ${answer}`
    }
  }
  model.on("items", draw)
  model.on("answers", mark)
  model.on("chosen", mark)
  draw()
  return box
}
