// ECMA-48: CSI … final byte; OSC, DCS, SOS, PM, APC … string terminator; every other two-byte escape.
const ESCAPES =
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b[\]PX^_]|[\u009d\u0090\u0098\u009e\u009f])[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?|\u001b[ -/]*[0-~]?/g;

const BACKSPACE = '\u0008';

/** A line as a terminal shows it in the end: what was overwritten is not there. */
function showLine(line: string): string {
  const afterReturns = line.split('\r').findLast(part => part !== '') ?? '';
  if (!afterReturns.includes(BACKSPACE)) return afterReturns;
  const shown: string[] = [];
  for (const character of afterReturns) {
    if (character === BACKSPACE) shown.pop();
    else shown.push(character);
  }
  return shown.join('');
}

/** The text that a person would see in a terminal: colours gone, `\r` and backspace carried out. */
export function showTerminal(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(ESCAPES, '').split('\n').map(showLine).join('\n');
}
