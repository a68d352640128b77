import { CleanRoomError } from '@clean-room/protocol/errors';
import type { ErrorContent, Frame, Rich, StreamName } from '../frames/frame.js';

/** An output as the notebook would have it: nothing of it has been judged yet. */
export type RawOutput =
  | { readonly type: 'stream'; readonly name: StreamName; readonly text: string }
  | ({ readonly type: 'display_data' } & Rich)
  | ({ readonly type: 'execute_result' } & Rich)
  | ({ readonly type: 'error' } & ErrorContent);

interface Place {
  readonly outputs: RawOutput[];
  readonly position: number;
}

/** What a cell's frames and raw output add up to. `done` and `ready` are no outputs. */
export type OutputFrame = Exclude<Frame, { readonly type: 'ready' | 'done' }>;

function display({ data, metadata }: Rich): RawOutput {
  return { type: 'display_data', data, metadata };
}

/**
 * The outputs of all cells, put together by Jupyter's rules: neighbouring stream texts are one output, `clear_output`
 * empties a cell (at once, or with the next output), an update replaces what has its display id in whichever cell.
 */
export class NotebookOutputs {
  readonly #mostPerCell: number;
  readonly #places = new Map<string, Place[]>();
  #outputs: RawOutput[] = [];
  #clearNext = false;
  /** Pieces of the stream output that is being put together, so that a million prints are joined once. */
  #pieces: string[] = [];
  #stream: StreamName | undefined;

  constructor(mostPerCell: number) {
    this.#mostPerCell = mostPerCell;
  }

  /** Starts a cell's list. The array is filled, and later updates change it in place. */
  begin(): readonly RawOutput[] {
    this.#outputs = [];
    this.#clearNext = false;
    this.#stream = undefined;
    this.#pieces = [];
    return this.#outputs;
  }

  /** @throws CleanRoomError `too-large` when the cell has more outputs than it may */
  apply(frame: OutputFrame): void {
    switch (frame.type) {
      case 'stream':
        return this.text(frame.name, frame.text);
      case 'execute_result':
        this.#add({ type: 'execute_result', data: frame.data, metadata: frame.metadata });
        return;
      case 'display_data':
        return this.#display(frame.displayId, display(frame));
      case 'update_display_data':
        for (const place of this.#places.get(frame.displayId ?? '') ?? [])
          place.outputs[place.position] = display(frame);
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

  /** Text of a stream, from a frame or from a raw pipe. */
  text(name: StreamName, text: string): void {
    if (text === '') return;
    if (this.#clearNext || this.#stream !== name) {
      this.settle();
      this.#add({ type: 'stream', name, text: '' });
      this.#stream = name;
    }
    this.#pieces.push(text);
  }

  /** Writes the text that is being put together into its output. */
  settle(): void {
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
    this.settle();
    if (this.#clearNext) this.#clear();
    if (this.#outputs.length >= this.#mostPerCell) {
      throw new CleanRoomError('too-large', `The cell has more than ${this.#mostPerCell} outputs.`);
    }
    this.#outputs.push(output);
  }

  #display(id: string | null, output: RawOutput): void {
    this.#add(output);
    if (id === null) return;
    const places = this.#places.get(id) ?? [];
    for (const place of places) place.outputs[place.position] = output;
    this.#places.set(id, [...places, { outputs: this.#outputs, position: this.#outputs.length - 1 }]);
  }

  #clear(): void {
    this.#stream = undefined;
    this.#pieces = [];
    this.#clearNext = false;
    this.#outputs.length = 0;
    for (const [id, places] of this.#places) {
      this.#places.set(
        id,
        places.filter(place => place.outputs !== this.#outputs)
      );
    }
  }
}
