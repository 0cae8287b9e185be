// Runs in the page: tells where it is too wide, where text is cut, and where texts lie over each other.

(() => {
  const found = [];
  if (document.documentElement.scrollWidth > innerWidth) found.push(`${document.documentElement.scrollWidth - innerWidth} px too wide`);
  const boxes = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const host = node.parentElement, said = node.textContent.trim();
    if (!said || !host.checkVisibility({ visibilityProperty: true }) || host.closest(".unseen, .skip, noscript, .tip")) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    // What a scrolled box hides lies over nothing.
    const shown = host.closest(".scroll")?.getBoundingClientRect();
    for (const box of range.getClientRects()) {
      if (box.width > 1 && !(box.bottom > shown?.bottom + 3 || box.top < shown?.top - 3)) boxes.push({ said, host, box });
    }
    // A box that scrolls or that ends in dots for a long name does so on purpose.
    const clip = host.closest("section, header, .banner, main")?.getBoundingClientRect(), text = range.getBoundingClientRect();
    if (host.scrollWidth > host.clientWidth + 1 && getComputedStyle(host).overflowX === "hidden") found.push(`cut: ${said}`);
    if (clip && !host.closest(".scroll, .rail") && (text.left < clip.left - 1 || text.right > clip.right + 1)) found.push(`outside: ${said}`);
  }
  for (let one = 0; one < boxes.length; one += 1) {
    for (let other = one + 1; other < boxes.length; other += 1) {
      const [a, b] = [boxes[one], boxes[other]];
      if (a.host.closest(".top") !== b.host.closest(".top") || a.host.closest("dialog") !== b.host.closest("dialog") || a.host.closest(".rail") !== b.host.closest(".rail")) continue;
      const wide = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
      const tall = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
      if (wide > 1 && tall > 3) found.push(`over each other: ${a.said} / ${b.said}`);
    }
  }
  return found;
})()
