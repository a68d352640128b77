import path from 'node:path';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { CommandContext, Register } from '../context.js';
import type { CommandResult } from '../terminal/answer.js';

interface Options {
  readonly coordinator?: string;
  readonly custodian?: string[];
  readonly demo?: string;
}

interface Running {
  readonly name: string;
  readonly url: string;
  close(): Promise<void>;
}

/** Starts what was named, in order; what had started is closed again when a later part can't. */
async function startAll(starts: readonly (() => Promise<Running>)[]): Promise<Running[]> {
  const running: Running[] = [];
  try {
    for (const start of starts) running.push(await start());
    return running;
  } catch (error) {
    for (const part of running.reverse()) await part.close();
    throw error;
  }
}

async function coordinatorIn(file: string): Promise<Running> {
  const { startCoordinator } = await import('../../coordinator/start.js');
  const { readJsonFile } = await import('../json-file.js');
  const coordinator = await startCoordinator(await readJsonFile(file), {}, file);
  return { name: 'coordinator', url: coordinator.url, close: () => coordinator.close() };
}

async function custodianIn({ terminal }: CommandContext, folder: string): Promise<Running> {
  const { readCustodianHome, startCustodian } = await import('../../custodian/index.js');
  const own = await readCustodianHome(folder);
  const kernelImages = terminal.env['CLEAN_ROOM_KERNEL_IMAGES'];
  const custodian = await startCustodian(own, kernelImages === undefined ? {} : { kernelImages });
  return { name: `custodian of ${own.config.party}`, url: custodian.url, close: () => custodian.close() };
}

async function publishDemo(folder: string): Promise<Running> {
  const { publishFounding } = await import('../demo/publish.js');
  await publishFounding(folder);
  return { name: 'demo', url: '', close: async () => undefined };
}

async function serve(context: CommandContext, options: Options): Promise<CommandResult> {
  const { terminal } = context;
  const at = (place: string): string => path.resolve(terminal.folder, place);
  const starts: (() => Promise<Running>)[] = [];
  if (options.demo !== undefined) {
    const { DEMO_CUSTODIANS } = await import('../demo/found.js');
    const { DemoLayout } = await import('../demo/layout.js');
    const layout = new DemoLayout(at(options.demo));
    starts.push(
      () => coordinatorIn(layout.coordinatorConfig),
      () => publishDemo(layout.root)
    );
    starts.push(...DEMO_CUSTODIANS.map(party => () => custodianIn(context, layout.custodian(party))));
  }
  const { coordinator } = options;
  if (coordinator !== undefined) starts.push(() => coordinatorIn(at(coordinator)));
  starts.push(...(options.custodian ?? []).map(folder => () => custodianIn(context, at(folder))));
  if (starts.length === 0) {
    throw new CleanRoomError('malformed', 'Nothing was named to serve.', {
      remedy: 'Give --coordinator FILE, --custodian FOLDER, or --demo FOLDER.'
    });
  }
  const running = await startAll(starts);
  const serving = running.filter(({ url }) => url !== '');
  serving.forEach(({ name, url }) => terminal.remark(`${name}: ${url}`));
  terminal.remark('Ready. Ctrl-C ends it; runs that are under way go on.');
  await new Promise<void>(resolve => {
    if (terminal.stopped.aborted) resolve();
    terminal.stopped.addEventListener('abort', () => resolve(), { once: true });
  });
  for (const part of [...running].reverse()) await part.close();
  return { value: { served: serving.map(({ name, url }) => ({ name, url })) }, lines: ['Stopped.'] };
}

/** Runs the server's roles, together or apart. */
export const registerServe: Register = (program, act) => {
  program
    .command('serve')
    .description('run a coordinator, custodians, or the demo with both')
    .option('--coordinator <file>', 'a coordinator’s configuration')
    .option('--custodian <folder...>', 'folders of custodians, each with its custodian.json')
    .option('--demo <folder>', 'all of a founded demo')
    .action(act(serve));
};
