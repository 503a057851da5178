package event

import "time"

// parseTime reads an RFC 3339 time with offset and up to nine digits of
// fraction, in UTC, cut to microseconds. It is stricter than time.Parse, which takes a
// comma for the point and hours of one digit. Leap seconds are refused.
func parseTime(s string) (time.Time, bool) {
	if len(s) < len("2006-01-02T15:04:05Z") || s[4] != '-' || s[7] != '-' || s[10]|0x20 != 't' || s[13] != ':' || s[16] != ':' {
		return time.Time{}, false
	}
	year, ok1 := twoDigits(s, 0)
	yy, ok2 := twoDigits(s, 2)
	month, ok3 := twoDigits(s, 5)
	day, ok4 := twoDigits(s, 8)
	hour, ok5 := twoDigits(s, 11)
	minute, ok6 := twoDigits(s, 14)
	second, ok7 := twoDigits(s, 17)
	year = year*100 + yy
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !ok6 || !ok7 || month < 1 || month > 12 || day < 1 ||
		day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	i, nanos := 19, 0
	if s[i] == '.' {
		from := i + 1
		for i = from; i < len(s) && '0' <= s[i] && s[i] <= '9'; i++ {
			nanos = nanos*10 + int(s[i]-'0')
			if i-from >= 9 {
				return time.Time{}, false
			}
		}
		if i == from {
			return time.Time{}, false
		}
		for n := i - from; n < 9; n++ {
			nanos *= 10
		}
	}
	offset, ok := parseOffset(s[i:])
	if !ok {
		return time.Time{}, false
	}
	seconds := daysSinceEpoch(year, month, day)*86400 + hour*3600 + minute*60 + second - offset
	return time.Unix(int64(seconds), int64(nanos/1000*1000)).UTC(), true
}

// parseOffset reads Z or ±hh:mm, in seconds east of UTC.
func parseOffset(s string) (int, bool) {
	if len(s) == 1 && s[0]|0x20 == 'z' {
		return 0, true
	}
	if len(s) != 6 || s[0] != '+' && s[0] != '-' || s[3] != ':' {
		return 0, false
	}
	hours, ok1 := twoDigits(s, 1)
	minutes, ok2 := twoDigits(s, 4)
	if !ok1 || !ok2 || hours > 23 || minutes > 59 {
		return 0, false
	}
	seconds := hours*3600 + minutes*60
	if s[0] == '-' {
		seconds = -seconds
	}
	return seconds, true
}

func twoDigits(s string, i int) (int, bool) {
	a, b := s[i]-'0', s[i+1]-'0'
	return int(a)*10 + int(b), a <= 9 && b <= 9
}

var monthDays = [...]int{0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

func daysIn(year, month int) int {
	if month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0) {
		return 29
	}
	return monthDays[month]
}

// daysSinceEpoch counts the days from 1970-01-01 (Howard Hinnant's
// days_from_civil, for the years 0 to 9999).
func daysSinceEpoch(year, month, day int) int {
	if month <= 2 {
		year--
		month += 12
	}
	era := (year + 400) / 400 // One era early, so that the year before 0 stays positive.
	yearOfEra := year + 400 - era*400
	dayOfYear := (153*(month-3)+2)/5 + day - 1
	dayOfEra := yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear
	return (era-1)*146097 + dayOfEra - 719468
}

// appendTime appends t as RFC 3339 in UTC with as many digits of fraction as
// it has, up to microseconds.
func appendTime(dst []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	dst = appendTwo(appendTwo(dst, year/100), year%100)
	dst = appendTwo(append(dst, '-'), int(month))
	dst = appendTwo(append(dst, '-'), day)
	dst = appendTwo(append(dst, 'T'), hour)
	dst = appendTwo(append(dst, ':'), minute)
	dst = appendTwo(append(dst, ':'), second)
	if micros := t.Nanosecond() / 1000; micros != 0 {
		dst = append(dst, '.')
		for unit := 100_000; micros != 0; unit /= 10 {
			dst = append(dst, byte('0'+micros/unit))
			micros %= unit
		}
	}
	return append(dst, 'Z')
}

func appendTwo(dst []byte, n int) []byte {
	return append(dst, byte('0'+n/10), byte('0'+n%10))
}
