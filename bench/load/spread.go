package load

import (
	"fmt"
	"slices"
)

// Spread is how a figure varies over rounds.
type Spread struct{ Median, Least, Most float64 }

func (s Spread) String() string {
	return fmt.Sprintf("%.2f [%.2f, %.2f]", s.Median, s.Least, s.Most)
}

// SpreadOf is the spread of values, of which there must be one.
func SpreadOf(values []float64) Spread {
	values = slices.Sorted(slices.Values(values))
	n := len(values)
	return Spread{
		Median: (values[(n-1)/2] + values[n/2]) / 2,
		Least:  values[0],
		Most:   values[n-1],
	}
}

// Ratios is the spread of ours/theirs, each of the same round. Where both are 0
// they are alike.
func Ratios(ours, theirs []float64) Spread {
	values := make([]float64, len(ours))
	for i := range ours {
		if ours[i] == theirs[i] {
			values[i] = 1
		} else {
			values[i] = ours[i] / theirs[i]
		}
	}
	return SpreadOf(values)
}

// Verdict is what a spread of ratios allows to say.
type Verdict int

// A ratio is less or more than 1 in every round and by a hundredth at the median,
// or differs no more than the rounds do.
const (
	Less  Verdict = -1
	Alike Verdict = 0
	More  Verdict = 1
)

// Verdict compares a spread of ratios with 1.
func (s Spread) Verdict() Verdict {
	switch {
	case s.Most < 1 && s.Median <= .99:
		return Less
	case s.Least > 1 && s.Median >= 1.01:
		return More
	}
	return Alike
}
