import { LabIcon } from '@jupyterlab/ui-components';
import cleanRoomSvg from '../style/icons/clean-room.svg';
import reviewSvg from '../style/icons/review.svg';
import submitSvg from '../style/icons/submit.svg';

/** A house with a keyhole, the symbol of the clean room. */
export const cleanRoomIcon = new LabIcon({ name: 'clean-room:house', svgstr: cleanRoomSvg });
/** An arrow that points into the house. */
export const submitIcon = new LabIcon({ name: 'clean-room:submit', svgstr: submitSvg });
/** A sheet with a check mark. */
export const reviewIcon = new LabIcon({ name: 'clean-room:review', svgstr: reviewSvg });
