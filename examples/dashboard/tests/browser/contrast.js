// Texts that stand out from what is behind them by less than WCAG's AA asks for.
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const rgba = (color) => {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = color;
  canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data];
};
const luminance = (color) => {
  const [red, green, blue] = rgba(color).map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const behind = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const color = getComputedStyle(at).backgroundColor;
    if (rgba(color)[3] === 255) return color;
  }
  return "white";
};
const pale = [];
for (const element of document.body.querySelectorAll("*")) {
  const isText = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  const isDrawn = element.closest("svg") !== null;
  if (!isText || element.closest("noscript, title") || !element.checkVisibility()) continue;
  const style = getComputedStyle(element);
  const [one, other] = [luminance(isDrawn ? style.fill : style.color), luminance(behind(element))];
  const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  if (ratio < 4.5) pale.push(`${element.textContent.trim().slice(0, 30)}: ${ratio.toFixed(2)}`);
}
return pale;
