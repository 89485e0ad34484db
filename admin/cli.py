import click

commands = click.Group("admin")
