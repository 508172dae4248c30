"""Finds results whose unit, scale, analyte or reference range is not what they say, and proposes repairs.

`readings` lists what a number may be, `belief` weighs each row's readings, `detect` names what is wrong, and `repair`
applies what a rule or a person confirmed, beside the original.
"""
