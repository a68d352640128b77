import type { CommandContext, Register } from '../context.js';
import { inspectFiles } from '../tables/decide.js';
import { addTableOptions, readTableOptions, type TableOptions } from '../tables/options.js';
import { describeFiles, describeQuestion, describeSchema } from '../tables/show.js';
import type { CommandResult } from '../terminal/result.js';

async function inspect(
  context: CommandContext,
  files: readonly string[],
  options: TableOptions
): Promise<CommandResult> {
  const given = await readTableOptions(context, options);
  const inspection = await inspectFiles(context, files, given);
  const { rows, dialect, notes, preview, schema, questions, suggestions } = inspection;
  const open = questions.flatMap(question => ['', ...describeQuestion(question)]);
  return {
    value: {
      rows,
      ...(dialect === undefined ? {} : { dialect }),
      notes,
      preview,
      columns: schema.columns,
      questions,
      suggestions
    },
    lines: [
      ...describeFiles(inspection),
      '',
      'Proposed schema, which would become public:',
      ...describeSchema(inspection),
      ...(questions.length === 0 ? ['', 'No question is open.'] : ['', 'Open questions:', ...open.slice(1)])
    ]
  };
}

/** Adds `inspect`, which shows what is in a table. It needs no server, and publishes nothing. */
export const registerInspect: Register = (program, act) => {
  const command = program
    .command('inspect <file...>')
    .description(
      'Show dialect, schema, questions and suggestions for CSV or Parquet files, without a server'
    );
  addTableOptions(command).action(act(inspect));
};
