// What these can do beyond showing text: HTML, links, images, and commands that fetch or define.
const ACTIVE_MARKDOWN = /[<>]|&[#a-zA-Z]|\]\s*[(:[]|:\/\/|!\[|^\s*\[[^\]]*\]:/m;
const ACTIVE_LATEX =
  /[<>]|:\/\/|\\(?:href|url|include|input|html|class|css|style|def|gdef|let|newcommand|renewcommand|require|unicode|data|bbox|color|phantom|hphantom|vphantom|rlap|llap)/;

export function isPlainMarkdown(text: string): boolean {
  return !ACTIVE_MARKDOWN.test(text);
}

export function isPlainLatex(text: string): boolean {
  return !ACTIVE_LATEX.test(text);
}
