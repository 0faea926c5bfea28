/**
 * Windows' names of the time zones that the tests use, with the IANA zone of the same clock (Unicode CLDR's windowsZones,
 * territory 001). Written by hand, so that a wrong table in a dependency is seen.
 */
import { Refused } from "./fields.js";

const zones: Readonly<Record<string, string>> = {
  UTC: "UTC",
  "AUS Eastern Standard Time": "Australia/Sydney",
  "Azores Standard Time": "Atlantic/Azores",
  "Cen. Australia Standard Time": "Australia/Adelaide",
  "Cuba Standard Time": "America/Havana",
  "Eastern Standard Time": "America/New_York",
  "GMT Standard Time": "Europe/London",
  "GTB Standard Time": "Europe/Bucharest",
  "India Standard Time": "Asia/Calcutta",
  "Israel Standard Time": "Asia/Jerusalem",
  "Line Islands Standard Time": "Pacific/Kiritimati",
  "Lord Howe Standard Time": "Australia/Lord_Howe",
  "Nepal Standard Time": "Asia/Katmandu",
  "New Zealand Standard Time": "Pacific/Auckland",
  "Newfoundland Standard Time": "America/St_Johns",
  "Pacific SA Standard Time": "America/Santiago",
  "Pacific Standard Time": "America/Los_Angeles",
  "Romance Standard Time": "Europe/Paris",
  "Tokyo Standard Time": "Asia/Tokyo",
  "US Mountain Standard Time": "America/Phoenix",
};

/** @throws Refused for a name that is not in the table */
export function ianaOf(windowsName: string): string {
  const zone = zones[windowsName];
  if (zone === undefined) throw new Refused(`${windowsName} is no Windows time zone of the tests`);
  return zone;
}
