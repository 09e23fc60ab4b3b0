"""What jobstate costs, measured: each benchmark states a bar, prints figures, and exits 1 where the bar is missed."""
