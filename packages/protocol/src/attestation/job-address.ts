/** The one environment variable that an operator may set. It says where the job document is, never what it says. */
export const JOB_VARIABLE = 'CLEAN_ROOM_JOB';

const FORM =
  /^https?:\/\/(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?\/v1\/jobs\/[A-Za-z0-9_-]{26,128}$/;

/** Whether a value of {@link JOB_VARIABLE} has its form: `http(s)://host[:port]/v1/jobs/<26 to 128 of A-Za-z0-9_->`. */
export function isJobAddress(text: string): boolean {
  return text.length <= 512 && FORM.test(text) && URL.canParse(text);
}
