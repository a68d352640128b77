import path from 'node:path';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Inspection, Question } from '../../provisioning/index.js';
import type { CommandContext } from '../context.js';
import { readTableOptions, type GivenDecisions, type TableOptions } from './options.js';
import { describeFiles, describeQuestion, describeSchema } from './show.js';

const MAX_LISTED = 20;

/** Inspects files with what the options and the schema file decide. */
export async function inspectFiles(
  context: CommandContext,
  files: readonly string[],
  given: GivenDecisions
): Promise<Inspection> {
  const { inspectTable, withSchema } = await import('../../provisioning/index.js');
  const paths = files.map(file => path.resolve(context.terminal.folder, file));
  const inspection = await inspectTable(paths, given.overrides);
  return given.file?.schema === undefined ? inspection : withSchema(inspection, given.file.schema);
}

function openQuestions(questions: readonly Question[]): CleanRoomError {
  const listed = questions.slice(0, MAX_LISTED).map(({ id, text, choices, examples }) => {
    const [first] = examples;
    const place = first === undefined ? '' : ` The first: ${first.file}, line ${first.line}.`;
    return `${text}${place} Answer ${id} with ${choices.map(choice => choice.id).join(', ')}.`;
  });
  const more = questions.length > MAX_LISTED ? [`And ${questions.length - MAX_LISTED} more questions.`] : [];
  return new CleanRoomError(
    'conflict',
    ['Questions about the table are open. Nothing was published.', ...listed, ...more].join('\n'),
    {
      remedy: 'Run the command in a terminal, or answer with --answer QUESTION=CHOICE or in the schema file.'
    }
  );
}

/** Asks until the answer is one of the choices; an empty answer takes the proposal. Returns undefined without a terminal. */
async function ask({ terminal }: CommandContext, question: Question): Promise<string | undefined> {
  describeQuestion(question).forEach(line => terminal.remark(line));
  for (;;) {
    const answer = await terminal.ask(`Your choice [${question.proposal}]: `);
    if (answer === undefined) return undefined;
    const choice = answer.trim() === '' ? question.proposal : answer.trim();
    if (question.choices.some(({ id }) => id === choice)) return choice;
    terminal.remark(`Choose one of ${question.choices.map(({ id }) => id).join(', ')}.`);
  }
}

/** Answers the questions: with `yes` by what loses nothing, otherwise by asking. */
async function answersTo(
  context: CommandContext,
  questions: readonly Question[],
  yes: boolean
): Promise<Record<string, string>> {
  const answers: Record<string, string> = {};
  const left: Question[] = [];
  for (const question of questions) {
    const choice = yes ? question.lossless : await ask(context, question);
    if (choice === undefined) left.push(question);
    else answers[question.id] = choice;
  }
  if (left.length > 0) throw openQuestions(left);
  return answers;
}

/**
 * Inspects files until no question is open, and shows what would become public.
 *
 * @param yes - whether questions are answered by what loses nothing, instead of asking
 * @throws CleanRoomError `conflict` with the open questions, when they cannot be answered
 */
export async function decideTable(
  context: CommandContext,
  files: readonly string[],
  options: TableOptions,
  yes: boolean
): Promise<{ inspection: Inspection; description: string | undefined }> {
  const { terminal } = context;
  let given = await readTableOptions(context, options);
  let inspection = await inspectFiles(context, files, given);
  describeFiles(inspection).forEach(line => terminal.remark(line));
  while (inspection.questions.length > 0) {
    const answers = await answersTo(context, inspection.questions, yes);
    const { overrides } = given;
    given = { ...given, overrides: { ...overrides, answers: { ...overrides.answers, ...answers } } };
    inspection = await inspectFiles(context, files, given);
  }
  terminal.remark('This schema becomes public, with its bounds, categories and formats:');
  describeSchema(inspection).forEach(line => terminal.remark(line));
  return { inspection, description: given.file?.description };
}
