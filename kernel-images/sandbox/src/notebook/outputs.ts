import { CleanRoomError } from '@clean-room/protocol/errors';
import type { ErrorContent, Frame, Rich, StreamName } from '../frames/frame.js';

/** An output as the notebook produced it, before the filter. */
export type RawOutput =
  | { readonly type: 'stream'; readonly name: StreamName; readonly text: string }
  | ({ readonly type: 'display_data' } & Rich)
  | ({ readonly type: 'execute_result' } & Rich)
  | ({ readonly type: 'error' } & ErrorContent);

/** An output that can be updated: its cell's list and its position in it. */
interface DisplayPosition {
  readonly outputs: RawOutput[];
  readonly position: number;
}

/** A frame that creates or changes outputs: every frame except `ready` and `done`. */
export type OutputFrame = Exclude<Frame, { readonly type: 'ready' | 'done' }>;

function displayOutput({ data, metadata }: Rich): RawOutput {
  return { type: 'display_data', data, metadata };
}

/**
 * Collects the outputs of all cells by the rules of Jupyter. Consecutive texts of one stream are one output;
 * `clear_output` empties the cell, at once or before its next output; an update replaces all displays with its display
 * id, in any cell.
 */
export class NotebookOutputs {
  readonly #maxPerCell: number;
  readonly #displays = new Map<string, DisplayPosition[]>();
  #outputs: RawOutput[] = [];
  #clearNext = false;
  /** Texts of the current stream output. They are joined only once, because a cell may print a million times. */
  #pieces: string[] = [];
  #stream: StreamName | undefined;

  constructor(maxPerCell: number) {
    this.#maxPerCell = maxPerCell;
  }

  /** Starts the next cell and returns its list of outputs, to which later calls add and in which updates replace. */
  begin(): readonly RawOutput[] {
    this.#outputs = [];
    this.#clearNext = false;
    this.#stream = undefined;
    this.#pieces = [];
    return this.#outputs;
  }

  /**
   * Adds or changes outputs of the current cell; an update can also change outputs of earlier cells.
   *
   * @throws CleanRoomError `too-large` when the cell has more outputs than its limit
   */
  apply(frame: OutputFrame): void {
    switch (frame.type) {
      case 'stream':
        this.text(frame.name, frame.text);
        return;
      case 'execute_result':
        this.#add({ type: 'execute_result', data: frame.data, metadata: frame.metadata });
        return;
      case 'display_data':
        this.#display(frame.displayId, displayOutput(frame));
        return;
      case 'update_display_data':
        for (const display of this.#displays.get(frame.displayId ?? '') ?? [])
          display.outputs[display.position] = displayOutput(frame);
        return;
      case 'clear_output':
        if (frame.wait) this.#clearNext = true;
        else this.#clear();
        return;
      case 'error': {
        const { ename, evalue, traceback, bases, line } = frame;
        this.#add({ type: 'error', ename, evalue, traceback, bases, line });
      }
    }
  }

  /** Adds text of a stream, from a frame or from a raw pipe. */
  text(name: StreamName, text: string): void {
    if (text === '') return;
    if (this.#clearNext || this.#stream !== name) {
      this.flush();
      this.#add({ type: 'stream', name, text: '' });
      this.#stream = name;
    }
    this.#pieces.push(text);
  }

  /** Completes the current stream output. */
  flush(): void {
    if (this.#stream !== undefined) {
      this.#outputs[this.#outputs.length - 1] = {
        type: 'stream',
        name: this.#stream,
        text: this.#pieces.join('')
      };
    }
    this.#stream = undefined;
    this.#pieces = [];
  }

  #add(output: RawOutput): void {
    this.flush();
    if (this.#clearNext) this.#clear();
    if (this.#outputs.length >= this.#maxPerCell) {
      throw new CleanRoomError('too-large', `The cell has more than ${this.#maxPerCell} outputs.`);
    }
    this.#outputs.push(output);
  }

  #display(id: string | null, output: RawOutput): void {
    this.#add(output);
    if (id === null) return;
    const displays = this.#displays.get(id) ?? [];
    for (const display of displays) display.outputs[display.position] = output;
    this.#displays.set(id, [...displays, { outputs: this.#outputs, position: this.#outputs.length - 1 }]);
  }

  #clear(): void {
    this.#stream = undefined;
    this.#pieces = [];
    this.#clearNext = false;
    this.#outputs.length = 0;
    for (const [id, displays] of this.#displays) {
      this.#displays.set(
        id,
        displays.filter(display => display.outputs !== this.#outputs)
      );
    }
  }
}
