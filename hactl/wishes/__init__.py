"""What operators asked for and what becomes of it: overrides of real servers, wishes about mastership."""
