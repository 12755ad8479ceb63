// SPDX-License-Identifier: GPL-3.0-or-later
// A point in time as people type it: "tue 16:00", "last tuesday at 4pm", "yesterday 9:30", "2026-11-24 16:00", "3h ago".
import { seconds } from "./state";

const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/** Unix seconds, in the past where the text leaves a choice; NaN when it is not understood. */
export function moment(text: string, now: number): number {
  const words = text.toLowerCase().replace(/[,T]/gi, (c) => (c === "," ? " " : c)).replace(/(\d{4}-\d\d-\d\d)t/, "$1 ").trim();
  const back = /^(\d+\s*(?:s|min|h|d|w))\s*ago$/.exec(words);
  if (back) return now - seconds(back[1]!.replace(/\s/g, ""));
  if (words === "now") return now;
  const day = new Date(now * 1000);
  let hour = 0, minute = 0, dayGiven = false, timeGiven = false, weekday = -1;
  for (const word of words.split(/\s+/)) {
    const date = /^(\d{4})-(\d\d?)-(\d\d?)$/.exec(word);
    const clock = /^(\d\d?)(?::(\d\d))?(?::\d\d)?(am|pm|h)?$/.exec(word);
    const named = word.length >= 3 ? DAYS.findIndex((d) => word === d || (word.startsWith(d) && "sundaymondaytuesdaywednesdaythursdayfridaysaturday".includes(word))) : -1;
    if (word === "last" || word === "at" || word === "on" || word === "the" || word === "") continue;
    if (word === "today") dayGiven = true;
    else if (word === "yesterday") {
      day.setDate(day.getDate() - 1);
      dayGiven = true;
    } else if (date) {
      day.setFullYear(Number(date[1]), Number(date[2]) - 1, Number(date[3]));
      if (day.getDate() !== Number(date[3])) return NaN;
      dayGiven = true;
    } else if (named >= 0) weekday = named;
    else if (clock && !timeGiven) {
      hour = Number(clock[1]);
      minute = Number(clock[2] ?? 0);
      if (clock[3] === "pm" && hour < 12) hour += 12;
      if (clock[3] === "am" && hour === 12) hour = 0;
      if (hour > 23 || minute > 59) return NaN;
      timeGiven = true;
    } else return NaN;
  }
  if (!dayGiven && weekday < 0 && !timeGiven) return NaN;
  day.setHours(hour, minute, 0, 0);
  if (weekday >= 0) {
    if (dayGiven) return NaN;
    day.setDate(day.getDate() - ((day.getDay() - weekday + 7) % 7));
    if (day.getTime() / 1000 > now) day.setDate(day.getDate() - 7);
  } else if (!dayGiven && day.getTime() / 1000 > now) day.setDate(day.getDate() - 1);
  return Math.floor(day.getTime() / 1000);
}
